import type { FormatId } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import type { Client } from '@pixelflow/client'
import { PixelflowError } from '@pixelflow/client'

/** A piece of work, and how it must end. */
export interface Work {
  readonly recipe: string
  readonly answer:
    | { readonly format: FormatId; readonly width: number; readonly height: number; readonly sha256: string }
    | { readonly fault: string }
}

/** One picture of an account, and everything that may be asked of it. */
export interface Subject {
  readonly image: string
  readonly works: readonly Work[]
}

const width = 96
const height = 64
/** What comes of the picture above; null for what cannot be done with it. */
const recipes: readonly [recipe: string, format: FormatId, width: number, height: number][] = [
  ['resize:48/format:png', 'png', 48, 32],
  ['rotate:90/format:jpeg', 'jpeg', 64, 96],
  ['blur:2/format:webp', 'webp', 96, 64],
  ['crop:8:8:40:30/grayscale/format:png', 'png', 40, 30],
  ['resize:24/flip/format:jpeg:quality=70', 'jpeg', 24, 16],
]
const impossible: Work = { recipe: 'crop:90:0:40:30', answer: { fault: 'processing_failed' } }

const ballastBytes = 300_000
/** Length, name and checksum of the last chunk of a PNG, which is empty. */
const pngEndBytes = 12

export const picture = (seed: number): Promise<Uint8Array> =>
  sampleImage({ width, height, format: 'png', seed, noise: 6 })

/** The same picture in a file of several chunks of the store: with an ancillary chunk of its own that is passed over. */
export async function largePicture(seed: number): Promise<Uint8Array> {
  const plain = Buffer.from(await picture(seed))
  const data = Buffer.concat([Buffer.from('prVt'), crypto.getRandomValues(Buffer.alloc(ballastBytes))])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(ballastBytes)
  checksum.writeUInt32BE(Bun.hash.crc32(data))
  const end = plain.length - pngEndBytes
  return Buffer.concat([plain.subarray(0, end), length, data, checksum, plain.subarray(end)])
}

/** Has everything made once while all is calm: what is made later must be the same to the byte. */
export async function learn(client: Client, seed: number): Promise<Subject> {
  const { id: image } = await client.upload(await picture(seed), { mediaType: 'image/png' })
  const works: Work[] = []
  for (const [recipe, format, width, height] of recipes) {
    const { id } = await client.createTask(image, recipe)
    const { task } = await client.follow(id)
    const made = task.outputs[0]
    if (made?.format !== format || made.width !== width || made.height !== height) {
      throw new Error(`${recipe} makes ${JSON.stringify(made)}, even while all is calm.`)
    }
    works.push({ recipe, answer: { format, width, height, sha256: made.sha256 } })
  }
  return { image, works: [...works, impossible] }
}

/** Why a call was refused, for the books. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof PixelflowError) return thrown.code
  return thrown instanceof Error ? thrown.name : 'unknown'
}
