import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ImageRecord } from '@pixelflow/core/image'
import type { ImageSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { toTimestamp } from './to-timestamp.ts'

export function toImageMessage(record: ImageRecord): MessageInitShape<typeof ImageSchema> {
  const { id, sha256, bytes, format, width, height, createdAt } = record
  return {
    id,
    sha256,
    bytes: BigInt(bytes),
    format,
    ...(width === null ? {} : { width }),
    ...(height === null ? {} : { height }),
    createdAt: toTimestamp(createdAt),
  }
}
