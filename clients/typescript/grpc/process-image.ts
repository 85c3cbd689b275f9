import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type ProcessImageRequestSchema,
  type ProcessImageResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { ProcessedImage, ProcessImageOptions, RecipeInput, Source } from '../client.ts'
import { PixelflowError } from '../pixelflow-error.ts'
import { retryCall, withTimeout } from '../retry-call.ts'
import { toUploadBody, toStream, type UploadBody } from '../upload-body.ts'
import type { Calls } from './create-calls.ts'
import { uploadData } from './upload-messages.ts'
import { recipeValue } from './views.ts'

/** Processes an image in one call. */
export async function processImage(
  calls: Calls,
  source: Source,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<ProcessedImage> {
  const { signal, output = '', timeoutMs = 120_000 } = options
  const cargo = toUploadBody(source, options)
  // The call is safe to repeat unless the source is a stream, which can be read only once.
  const retries = cargo.blob ? 3 : 0
  return withTimeout({ signal, timeoutMs }, (stop) => retryCall({ retries }, stop, () => once(stop)))

  async function once(stop: AbortSignal | undefined): Promise<ProcessedImage> {
    const pieces = calls.both(ImageService.method.processImage, () => saying(cargo, recipe, output), stop)
    const first = await pieces.next()
    const data = first.done === true ? undefined : first.value.data
    if (data?.case !== 'result') {
      await pieces.return()
      throw new PixelflowError('not_pixelflow', 'A picture did not begin with what it is.')
    }
    const { bytes, sha256, mediaType, task } = data.value
    return {
      bytes: Number(bytes),
      sha256,
      mediaType,
      body: toStream(chunks(pieces)),
      ...(task === '' ? {} : { task }),
    }
  }
}

async function* saying(
  cargo: UploadBody,
  recipe: RecipeInput,
  output: string,
): AsyncGenerator<MessageInitShape<typeof ProcessImageRequestSchema>, void> {
  for await (const data of uploadData(cargo, undefined)) {
    if (data.case !== 'metadata') yield { data }
    else yield { data: { case: data.case, value: { ...data.value, recipe: recipeValue(recipe), output } } }
  }
}

async function* chunks(
  pieces: AsyncIterable<MessageShape<typeof ProcessImageResponseSchema>>,
): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of pieces) if (data.case === 'chunk') yield data.value
}
