import { join } from 'node:path'
import { operations } from '@pixelflow/core/operations/index'
import { operationName } from '@pixelflow/core/recipe/create-catalogue'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import sharp, { type Sharp } from 'sharp'
import { makeGoldenSources } from './golden-sources.ts'
import type { TransformHarness } from './transform-harness.ts'

/**
 * The golden of an operation is a picture of what its documented examples do: a row for each example, with the whole
 * result for the opaque source, and the pixels in the middle of the results for both sources. The `Description` in the
 * PNG lists the examples with the format and size of their results.
 */
export interface Golden {
  readonly description: string
  readonly tiles: readonly Tile[]
}

interface Tile {
  readonly name: string
  /** RGBA. */
  readonly pixels: Uint8Array
  /** Whether the result has a format with lossy compression, whose pixels depend on the version of the encoder. */
  readonly isLossy: boolean
}

/** The side of a tile in pixels. */
export const tileSide = 48
/** The longer side of a whole result in its tile. */
const wholeSide = 32

/** The documented examples of each operation, by its name. */
export const goldenExamples: ReadonlyMap<string, readonly string[]> = new Map(
  operations.map((operation) => [operationName(operation), operation.examples]),
)

/** The folder of the goldens, one `<operation>.png` for each operation. */
export const goldenFolder = join(import.meta.dir, '../kinds/transform/goldens')

export function goldenPath(name: string): string {
  return join(goldenFolder, `${name}.png`)
}

/** Renders the examples of an operation. With `without`, the steps of the operation are left out of them. */
export async function renderGolden(
  name: string,
  { transform }: TransformHarness,
  { without = false } = {},
): Promise<Golden> {
  const sources = await makeGoldenSources()
  const lines: string[] = []
  const tiles: Tile[] = []
  for (const example of goldenExamples.get(name) ?? []) {
    const { steps } = parseRecipe(example)
    const recipe = { steps: without ? steps.filter(({ op }) => op !== name) : steps }
    const results: string[] = []
    for (const [i, source] of sources.entries()) {
      const { file, metadata } = await transform(source, recipe)
      const { format, width, height, hasAlpha } = metadata
      const isLossy = format !== 'png'
      const of = `${example} of the ${i === 0 ? 'opaque' : 'transparent'} source`
      if (i === 0) tiles.push({ name: `whole ${of}`, isLossy, pixels: await drawWhole(file) })
      tiles.push({ name: `middle of ${of}`, isLossy, pixels: await drawMiddle(file, width, height) })
      results.push(`${format} ${width}x${height}${hasAlpha ? ' with alpha' : ''}`)
    }
    lines.push(`${example}: ${results.join(', ')}`)
  }
  return { description: lines.join('\n'), tiles }
}

/** The whole result, scaled down. */
async function drawWhole(file: Uint8Array): Promise<Uint8Array> {
  const [width, height] = [wholeSide, wholeSide]
  const scaled = sharp(file).ensureAlpha().resize({ width, height, fit: 'contain', background: '#00000000' })
  return padToTile(scaled, { width, height })
}

/** The middle of the result at its own size. */
async function drawMiddle(file: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const size = { width: Math.min(width, tileSide), height: Math.min(height, tileSide) }
  const area = { left: (width - size.width) >> 1, top: (height - size.height) >> 1, ...size }
  return padToTile(sharp(file).ensureAlpha().extract(area), size)
}

function padToTile(pipeline: Sharp, { width, height }: { width: number; height: number }) {
  return pipeline
    .extend({ right: tileSide - width, bottom: tileSide - height, background: '#00000000' })
    .raw()
    .toBuffer()
}
