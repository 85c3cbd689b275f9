import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Picture } from '@pixelflow/core/recipe/operation'
import type { Sharp } from 'sharp'
import { maxMessageFileBytes } from './transform-input.ts'

/** An encoded output: its bytes in base64 if they fit into a message, else it is a file. */
export interface WrittenOutput {
  readonly width: number
  readonly height: number
  readonly base64?: string
}

/** Pictures up to this size are encoded in memory, which costs less than a file that the encoder writes. */
const maxMemoryPixels = 4_000_000

/**
 * Runs a pipeline that ends with an encoder. A large result is written to `path`, where it appears when it is complete:
 * the actor may read the file while the work runs again after a crash.
 */
export async function writeOutput(
  pipeline: Sharp,
  { width, height }: Picture,
  path: string,
): Promise<WrittenOutput> {
  const part = `${path}.part`
  if (width * height > maxMemoryPixels) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const info = await pipeline.toFile(part)
    renameSync(part, path)
    return { width: info.width, height: info.height }
  }
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true })
  const size = { width: info.width, height: info.height }
  if (data.length <= maxMessageFileBytes) return { ...size, base64: data.toString('base64') }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(part, data)
  renameSync(part, path)
  return size
}
