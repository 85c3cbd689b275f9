import type { DescMessage } from '@bufbuild/protobuf'
import { formatField } from '@pixelflow/core/validation/format-field'

/**
 * Converts a path of JSON names to proto names: `['open', 'preview', 'maxPixels']` → `open.preview.max_pixels`. Keys that
 * are no message fields, such as those of a Struct, stay as they are.
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
