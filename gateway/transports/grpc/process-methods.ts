import type { MessageInitShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type {
  ImageService,
  ProcessedImageSchema,
  ProcessImageMetadata,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { selectOutput, type OutputRequest, type ProcessedOutput } from '../../process/process-image.ts'
import type { ImageUpload } from '../../images/receive-image.ts'
import type { Usecases } from '../../usecases.ts'
import type { Implementation } from './implementation.ts'
import { parseRecipeValue } from './parse-recipe-value.ts'
import { readContentChunks } from './read-content-chunks.ts'
import { readUpload } from './read-upload.ts'

/** Most bytes of a response message besides the image. */
const resultOverheadBytes = 16 * 1024
/** Clients refuse messages of more than 4 MiB by default. */
const maxResultBytes = 4 * 1024 * 1024 - resultOverheadBytes

/** The methods that respond with the processed image. */
export function processMethods(
  usecases: Usecases,
  uploadIdleTimeoutMs: number,
): Pick<Implementation<typeof ImageService>, 'processImage' | 'processImageUnary'> {
  return {
    async *processImage(messages, call) {
      const principal = call.principal()
      const upload = await readUpload<ProcessImageMetadata>(messages, uploadIdleTimeoutMs)
      const { recipe, output } = upload.metadata
      const request = selectOutput(parseRecipeValue(recipe), output || undefined)
      const copied = { ...upload, body: copyChunks(upload.body) }
      await using result = await processUpload(usecases, principal, copied, request, call.signal)
      call.recordPosition(result.position)
      yield { data: { case: 'result', value: toResultMessage(result) } }
      for await (const value of readContentChunks(result)) yield { data: { case: 'chunk', value } }
    },
    async processImageUnary({ image, recipe, output }, call) {
      const principal = call.principal()
      const request = selectOutput(parseRecipeValue(recipe), output || undefined)
      const upload = { body: singleChunk(image), mediaType: 'application/octet-stream', bytes: image.length }
      await using result = await processUpload(usecases, principal, upload, request, call.signal)
      call.recordPosition(result.position)
      if (result.bytes > maxResultBytes) throw resultTooLarge(result.bytes)
      const pieces = await Array.fromAsync(await result.open())
      return { result: toResultMessage(result), image: Buffer.concat(pieces) }
    },
  }
}

/** Message buffers are reused for later messages, but the upload is held until the image is processed. */
async function* copyChunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) yield new Uint8Array(chunk)
}

async function processUpload(
  { bufferImage, processImage }: Usecases,
  principal: Principal,
  upload: ImageUpload,
  request: OutputRequest,
  signal: AbortSignal,
): Promise<ProcessedOutput> {
  const image = await bufferImage(principal, upload)
  try {
    return await processImage(principal, image, request, signal)
  } finally {
    await image.drop()
  }
}

function toResultMessage(result: ProcessedOutput): MessageInitShape<typeof ProcessedImageSchema> {
  const { format, mediaType, bytes, sha256, width, height, fileName, task } = result
  return { format, mediaType, bytes: BigInt(bytes), sha256, width, height, fileName, task: task?.id ?? '' }
}

async function* singleChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes
}

function resultTooLarge(bytes: number): Fault {
  return new Fault(
    'resource_limit_exceeded',
    `The result must be at most ${maxResultBytes} bytes for one message, got ${bytes}.`,
    {
      remedy: 'Call ProcessImage, which sends the result in chunks, or request a smaller image.',
    },
  )
}
