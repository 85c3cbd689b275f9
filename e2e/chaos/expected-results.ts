import type { FormatId } from '@pixelflow/core/format'
import { pngChunk } from '@pixelflow/core/png'
import { sampleImage } from '@pixelflow/testkit/images'
import type { Client } from '@pixelflow/client'

/** A recipe, and the only result or fault that it may have. */
export interface RecipeCase {
  readonly recipe: string
  readonly expected:
    | { readonly format: FormatId; readonly width: number; readonly height: number; readonly sha256: string }
    | { readonly fault: string }
}

/** An uploaded image, and what each recipe makes of it. */
export interface ExpectedResults {
  readonly image: string
  readonly cases: readonly RecipeCase[]
}

const width = 96
const height = 64
/** Recipes for an image of this size, and the outputs they make. */
const recipes: readonly [recipe: string, format: FormatId, width: number, height: number][] = [
  ['resize:48/format:png', 'png', 48, 32],
  ['rotate:90/format:jpeg', 'jpeg', 64, 96],
  ['blur:2/format:webp', 'webp', 96, 64],
  ['crop:8:8:40:30/grayscale/format:png', 'png', 40, 30],
  ['resize:24/flip/format:jpeg:quality=70', 'jpeg', 24, 16],
]
const impossible: RecipeCase = { recipe: 'crop:90:0:40:30', expected: { fault: 'processing_failed' } }

const paddingBytes = 300_000
/** Length, name and checksum of the last chunk of a PNG, which is empty. */
const pngEndBytes = 12

export const createImage = (seed: number): Promise<Uint8Array> =>
  sampleImage({ width, height, format: 'png', seed, noise: 6 })

/** The same pixels in a file that the store splits into several chunks: it has a private PNG chunk that decoders skip. */
export async function createLargeImage(seed: number): Promise<Uint8Array> {
  const plain = Buffer.from(await createImage(seed))
  const padding = pngChunk('prVt', crypto.getRandomValues(Buffer.alloc(paddingBytes)))
  const end = plain.length - pngEndBytes
  return Buffer.concat([plain.subarray(0, end), padding, plain.subarray(end)])
}

/** Runs every recipe once before any fault is injected: later results must equal these byte by byte. */
export async function recordExpectedResults(client: Client, seed: number): Promise<ExpectedResults> {
  const { id: image } = await client.upload(await createImage(seed), { mediaType: 'image/png' })
  const cases: RecipeCase[] = []
  for (const [recipe, format, width, height] of recipes) {
    const { id } = await client.createTask(image, recipe)
    const { task } = await client.follow(id)
    const output = task.outputs[0]
    if (output?.format !== format || output.width !== width || output.height !== height) {
      throw new Error(`${recipe} makes ${JSON.stringify(output)} before any fault is injected.`)
    }
    cases.push({ recipe, expected: { format, width, height, sha256: output.sha256 } })
  }
  return { image, cases: [...cases, impossible] }
}
