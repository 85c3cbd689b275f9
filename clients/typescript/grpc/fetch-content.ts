import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type DownloadRequestSchema,
  type DownloadResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Content, DownloadOptions, ContentRef } from '../client.ts'
import { PixelflowError } from '../pixelflow-error.ts'
import { toStream } from '../upload-body.ts'
import type { Calls } from './create-calls.ts'

type Piece = MessageShape<typeof DownloadResponseSchema>

/** Downloads a stored file, or a range of it, over one call. */
export async function fetchContent(calls: Calls, from: ContentRef, part: DownloadOptions): Promise<Content> {
  const { offset = 0, length, signal } = part
  const request: MessageInitShape<typeof DownloadRequestSchema> = {
    source:
      'image' in from
        ? { case: 'image', value: from.image }
        : { case: 'output', value: { task: from.task, name: from.output ?? '' } },
    offset: BigInt(offset),
    ...(length === undefined ? {} : { length: BigInt(length) }),
  }
  const pieces = calls.down(ImageService.method.download, request, signal)
  const first = await pieces.next()
  const data = first.done === true ? undefined : first.value.data
  if (data?.case !== 'content') {
    await pieces.return()
    throw new PixelflowError('not_pixelflow', 'A download did not begin with what it is about.')
  }
  const { bytes, sha256, mediaType, ...range } = data.value
  return {
    bytes: Number(bytes),
    sha256,
    mediaType,
    offset: Number(range.offset),
    length: Number(range.length),
    body: toStream(chunks(pieces)),
  }
}

async function* chunks(pieces: AsyncGenerator<Piece, void>): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of pieces) if (data.case === 'chunk') yield data.value
}
