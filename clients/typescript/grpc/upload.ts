import { createHash } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { UploadRequestSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { UploadOptions } from '../client.ts'
import type { Cargo } from '../source.ts'

/** Most bytes in one message: little enough for many uploads side by side, and for windows to stay full. */
const largestChunk = 64 * 1024

/** An upload by the book: what is to come, the bytes, and the promise that they were all. */
export async function* piecesOf(
  cargo: Cargo,
  onSent: UploadOptions['onSent'],
): AsyncGenerator<MessageInitShape<typeof UploadRequestSchema>, void> {
  const { mediaType, bytes: total } = cargo
  const size = total === null ? {} : { bytes: BigInt(total) }
  yield { data: { case: 'metadata', value: { mediaType, ...size } } }
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of cargo.chunks()) {
    hash.update(piece)
    for (let at = 0; at < piece.byteLength; at += largestChunk) {
      const value = piece.subarray(at, at + largestChunk)
      yield { data: { case: 'chunk', value } }
      bytes += value.byteLength
      onSent?.(bytes, total)
    }
  }
  yield { data: { case: 'commit', value: { bytes: BigInt(bytes), sha256: hash.digest('hex') } } }
}
