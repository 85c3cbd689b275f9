import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import type { DownloadRequestSchema, DownloadResponseSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { StoredContent } from '../../images/stored-content.ts'
import { readContentChunks } from './read-content-chunks.ts'

/** Downloads the whole content or one range. @throws Fault `range_not_satisfiable`. */
export async function* downloadContent(
  content: StoredContent,
  { offset, length }: Pick<MessageShape<typeof DownloadRequestSchema>, 'offset' | 'length'>,
): AsyncGenerator<MessageInitShape<typeof DownloadResponseSchema>, void> {
  const { bytes, sha256, mediaType, fileName } = content
  const part = partOf(bytes, offset, length)
  const info = { bytes: BigInt(bytes), sha256, mediaType, fileName, offset, length: BigInt(part.length) }
  yield { data: { case: 'content', value: info } }
  for await (const value of readContentChunks(content, part.range)) yield { data: { case: 'chunk', value } }
}

/** Refuses ranges that are invalid for content of any size. @throws Fault `invalid_request`. */
export function requireValidRange(offset: bigint, length: bigint | undefined): void {
  if (offset < 0n) {
    throw new Fault('invalid_request', `offset must be 0 or more, got ${offset}.`, {
      field: 'offset',
      remedy: 'Set offset to the position of the first byte; 0 is the start of the content.',
    })
  }
  if (length === undefined || length > 0n) return
  throw new Fault('invalid_request', `length must be 1 or more, got ${length}.`, {
    field: 'length',
    remedy: 'Set length to a number of bytes, or leave it out to read to the end.',
  })
}

function partOf(
  bytes: number,
  offset: bigint,
  length: bigint | undefined,
): { length: number; range?: ByteRange } {
  if (offset >= BigInt(bytes)) throw rangeOutside('offset', bytes)
  const start = Number(offset)
  const left = bytes - start
  const wanted = length === undefined || length > BigInt(left) ? left : Number(length)
  return wanted === bytes ? { length: bytes } : { length: wanted, range: { start, end: start + wanted - 1 } }
}

function rangeOutside(field: string, bytes: number): Fault {
  return new Fault(
    'range_not_satisfiable',
    `The range is outside of the content, which has ${bytes} bytes.`,
    {
      field,
      remedy: `Set offset to 0 to ${bytes - 1}, and length to 1 or more.`,
    },
  )
}
