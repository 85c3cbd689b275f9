import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type ProcessImageRequestSchema,
  type ProcessImageResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Picture, ProcessImageOptions, RecipeInput, Source } from '../client.ts'
import { PixelflowError } from '../error.ts'
import { again, within } from '../limits.ts'
import { cargoOf, streamOf, type Cargo } from '../source.ts'
import type { Calls } from './calls.ts'
import { piecesOf } from './upload.ts'
import { recipeValue } from './views.ts'

/** Image in, image out, in one call. */
export async function processImage(
  calls: Calls,
  source: Source,
  recipe: RecipeInput,
  options: ProcessImageOptions = {},
): Promise<Picture> {
  const { signal, output = '', timeoutMs = 120_000 } = options
  const cargo = cargoOf(source, options)
  // A stream can be read once; nothing else keeps this from being made again.
  const retries = cargo.blob ? 3 : 0
  return within({ signal, timeoutMs }, (stop) => again({ retries }, stop, () => once(stop)))

  async function once(stop: AbortSignal | undefined): Promise<Picture> {
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
      body: streamOf(chunks(pieces)),
      ...(task === '' ? {} : { task }),
    }
  }
}

async function* saying(
  cargo: Cargo,
  recipe: RecipeInput,
  output: string,
): AsyncGenerator<MessageInitShape<typeof ProcessImageRequestSchema>, void> {
  for await (const data of piecesOf(cargo, undefined)) {
    if (data.case !== 'metadata') yield { data }
    else yield { data: { case: data.case, value: { ...data.value, recipe: recipeValue(recipe), output } } }
  }
}

async function* chunks(
  pieces: AsyncIterable<MessageShape<typeof ProcessImageResponseSchema>>,
): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of pieces) if (data.case === 'chunk') yield data.value
}
