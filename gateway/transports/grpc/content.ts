import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import type { DownloadRequestSchema, DownloadResponseSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { StoredContent } from '../../images/content.ts'

/** Most bytes in one message: little enough for every client's default limit, and for windows to stay full. */
export const largestChunk = 256 * 1024

/** Stored bytes as chunks of a message's size, pulled. */
export async function* chunksOf(content: StoredContent, range?: ByteRange): AsyncGenerator<Uint8Array, void> {
  for await (const piece of await content.open(range)) {
    for (let at = 0; at < piece.length; at += largestChunk) yield piece.subarray(at, at + largestChunk)
  }
}

/** A whole download, or the part asked for. @throws Fault `range_not_satisfiable`. */
export async function* download(
  content: StoredContent,
  { offset, length }: Pick<MessageShape<typeof DownloadRequestSchema>, 'offset' | 'length'>,
): AsyncGenerator<MessageInitShape<typeof DownloadResponseSchema>, void> {
  const { bytes, sha256, mediaType, fileName } = content
  const part = partOf(bytes, offset, length)
  const about = { bytes: BigInt(bytes), sha256, mediaType, fileName, offset, length: BigInt(part.length) }
  yield { data: { case: 'content', value: about } }
  for await (const value of chunksOf(content, part.range)) yield { data: { case: 'chunk', value } }
}

/** What no content could satisfy, however large it is. @throws Fault `invalid_request`. */
export function requireValidRange(offset: bigint, length: bigint | undefined): void {
  if (offset < 0n) {
    throw new Fault('invalid_request', `offset must be 0 or more, not ${offset}.`, {
      field: 'offset',
      remedy: 'Give offset the number of the first byte wanted; 0 is the first of the content.',
    })
  }
  if (length === undefined || length > 0n) return
  throw new Fault('invalid_request', `length must be 1 or more, not ${length}.`, {
    field: 'length',
    remedy: 'Give length the number of bytes wanted, or leave it out for all up to the end.',
  })
}

function partOf(
  bytes: number,
  offset: bigint,
  length: bigint | undefined,
): { length: number; range?: ByteRange } {
  if (offset >= BigInt(bytes)) throw outside('offset', bytes)
  const start = Number(offset)
  const left = bytes - start
  const wanted = length === undefined || length > BigInt(left) ? left : Number(length)
  return wanted === bytes ? { length: bytes } : { length: wanted, range: { start, end: start + wanted - 1 } }
}

function outside(field: string, bytes: number): Fault {
  return new Fault('range_not_satisfiable', `The content has ${bytes} bytes.`, {
    field,
    remedy: `Begin between 0 and ${bytes - 1}, and ask for one byte or more.`,
  })
}
