import type { DescMessage } from '@bufbuild/protobuf'
import { formatField } from '@pixelflow/core/validation/format-field'

/**
 * A path in the JSON form of a message, by the names of its proto: `['open', 'preview', 'maxPixels']` →
 * `open.preview.max_pixels`. What is in no message, such as a key of a Struct, stays as it is.
 */
export function protoField(schema: DescMessage, path: readonly PropertyKey[]): string {
  let message: DescMessage | undefined = schema
  const names = path.map((part) => {
    const field = message?.fields.find(({ localName }) => localName === part)
    message = field?.message
    return field?.name ?? part
  })
  return formatField(names)
}
