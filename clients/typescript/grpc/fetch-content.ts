import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type DownloadRequestSchema,
  type DownloadResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Content, ContentRef, DownloadOptions } from '../client.ts'
import { notPixelflowError } from '../pixelflow-error.ts'
import { toStream } from '../upload-body.ts'
import type { GrpcCaller } from './grpc-caller.ts'

/** Downloads a stored file, or a range of it, over one call. */
export async function fetchContent(
  caller: GrpcCaller,
  from: ContentRef,
  { offset = 0, length, signal }: DownloadOptions,
): Promise<Content> {
  const request: MessageInitShape<typeof DownloadRequestSchema> = {
    source:
      'image' in from
        ? { case: 'image', value: from.image }
        : { case: 'output', value: { task: from.task, name: from.output ?? '' } },
    offset: BigInt(offset),
    ...(length === undefined ? {} : { length: BigInt(length) }),
  }
  const responses = caller.serverStream(ImageService.method.download, request, signal)
  const first = await responses.next()
  const data = first.done === true ? undefined : first.value.data
  if (data?.case !== 'content') {
    await responses.return()
    throw notPixelflowError(
      caller.address,
      'the first message of the download is not `content`',
      'Check the address.',
    )
  }
  const { bytes, sha256, mediaType, ...range } = data.value
  return {
    bytes: Number(bytes),
    sha256,
    mediaType,
    offset: Number(range.offset),
    length: Number(range.length),
    body: toStream(readResponseChunks(responses)),
  }
}

async function* readResponseChunks(
  responses: AsyncIterable<MessageShape<typeof DownloadResponseSchema>>,
): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of responses) if (data.case === 'chunk') yield data.value
}
