import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type ProcessImageRequestSchema,
  type ProcessImageResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { ImageInput, ProcessedImage, ProcessImageOptions, RecipeInput } from '../client.ts'
import { notPixelflowError } from '../pixelflow-error.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toStream, toUploadBody, type UploadBody } from '../upload-body.ts'
import type { GrpcCaller } from './grpc-caller.ts'
import { readUploadData } from './upload-messages.ts'
import { toRecipeValue } from './views.ts'

/** Processes an image in one call. */
export async function processImage(
  caller: GrpcCaller,
  source: ImageInput,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<ProcessedImage> {
  const { signal: callerSignal, output = '', timeoutMs = 120_000 } = options
  const upload = toUploadBody(source, options)
  // The call is safe to repeat unless the source is a stream, which can be read only once.
  const retries = upload.blob ? 3 : 0
  return withTimeout({ signal: callerSignal, timeoutMs }, (signal) =>
    retryCall({ retries }, signal, () => call(signal)),
  )

  async function call(signal: AbortSignal | undefined): Promise<ProcessedImage> {
    const requests = () => toRequests(upload, recipe, output)
    const responses = caller.bidiStream(ImageService.method.processImage, requests, signal)
    const first = await responses.next()
    const data = first.done === true ? undefined : first.value.data
    if (data?.case !== 'result') {
      await responses.return()
      throw notPixelflowError(
        caller.address,
        'the first message of the processed image is not `result`',
        'Check the address.',
      )
    }
    const { bytes, sha256, mediaType, task } = data.value
    return {
      bytes: Number(bytes),
      sha256,
      mediaType,
      body: toStream(readResponseChunks(responses)),
      ...(task === '' ? {} : { task }),
    }
  }
}

async function* toRequests(
  upload: UploadBody,
  recipe: RecipeInput,
  output: string,
): AsyncGenerator<MessageInitShape<typeof ProcessImageRequestSchema>, void> {
  for await (const data of readUploadData(upload, undefined)) {
    if (data.case !== 'metadata') yield { data }
    else yield { data: { case: data.case, value: { ...data.value, recipe: toRecipeValue(recipe), output } } }
  }
}

async function* readResponseChunks(
  responses: AsyncIterable<MessageShape<typeof ProcessImageResponseSchema>>,
): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of responses) if (data.case === 'chunk') yield data.value
}
