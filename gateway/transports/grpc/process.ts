import type { MessageInitShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type {
  ImageService,
  ProcessedImageSchema,
  ProcessImageMetadata,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { selectOutput, type OutputRequest, type ProcessResult } from '../../process/process-image.ts'
import type { ImageUpload } from '../../images/receive-image.ts'
import type { Usecases } from '../../usecases.ts'
import { chunksOf } from './content.ts'
import type { Implementation } from './rpc.ts'
import { recipeOf, tell } from './tasks.ts'
import { uploadOf } from './upload.ts'

/** What a message may carry besides the bytes of a picture. */
const aroundBytes = 16 * 1024
/** Clients take no message of more than 4 MiB unless they are told to. */
const largestResult = 4 * 1024 * 1024 - aroundBytes

/** The methods that answer with the picture itself. */
export function processMethods(
  usecases: Usecases,
  uploadIdleTimeoutMs: number,
): Pick<Implementation<typeof ImageService>, 'processImage' | 'processImageUnary'> {
  return {
    async *processImage(pieces, call) {
      const who = call.caller()
      const upload = await uploadOf<ProcessImageMetadata>(pieces, uploadIdleTimeoutMs)
      const { recipe, output } = upload.metadata
      const order = selectOutput(recipeOf(recipe), output || undefined)
      const held = { ...upload, body: owned(upload.body) }
      await using picture = await processed(usecases, who, held, order, call.signal)
      if (picture.task) tell(usecases, call)
      yield { data: { case: 'result', value: resultMessage(picture) } }
      for await (const value of chunksOf(picture)) yield { data: { case: 'chunk', value } }
    },
    async processImageUnary({ image, recipe, output }, call) {
      const who = call.caller()
      const order = selectOutput(recipeOf(recipe), output || undefined)
      const upload = { body: only(image), mediaType: 'application/octet-stream', bytes: image.length }
      await using picture = await processed(usecases, who, upload, order, call.signal)
      if (picture.task) tell(usecases, call)
      if (picture.bytes > largestResult) throw tooLarge(picture.bytes)
      const pieces = await Array.fromAsync(await picture.open())
      return { result: resultMessage(picture), image: Buffer.concat(pieces) }
    },
  }
}

/** Messages lie in memory that is used again for the next; what is held until the picture is made needs its own. */
async function* owned(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) yield new Uint8Array(chunk)
}

async function processed(
  { bufferImage, processImage }: Usecases,
  who: Principal,
  upload: ImageUpload,
  order: OutputRequest,
  signal: AbortSignal,
): Promise<ProcessResult> {
  const image = await bufferImage(who, upload)
  try {
    return await processImage(who, image, order, signal)
  } finally {
    await image.drop()
  }
}

function resultMessage(picture: ProcessResult): MessageInitShape<typeof ProcessedImageSchema> {
  const { format, mediaType, bytes, sha256, width, height, fileName, task } = picture
  return { format, mediaType, bytes: BigInt(bytes), sha256, width, height, fileName, task: task?.id ?? '' }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes
}

function tooLarge(bytes: number): Fault {
  return new Fault(
    'resource_limit_exceeded',
    `The result has ${bytes} bytes, and one message carries ${largestResult}.`,
    {
      remedy: 'Call ProcessImage, which sends it in pieces, or make a smaller picture.',
    },
  )
}
