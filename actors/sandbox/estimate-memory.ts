import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

const MiB = 2 ** 20
/** What a warm child holds before it sees a picture. */
const childBytes = 96 * MiB
/** Three copies of four bytes a pixel: what was decoded, what a pass makes of it, what is encoded. */
const bytesPerPixel = 12
/** When only the file is known: photographs as JPEG have about 4 pixels a byte. */
const bytesPerFileByte = 48

/** What is known of a picture before it is decoded. */
export interface SourceSize {
  readonly bytes: number
  readonly width?: number | null
  readonly height?: number | null
}

/**
 * Memory that work on a picture may take, in bytes, guessed high: pictures wait for room by this. What bounds a child is
 * what it really holds.
 */
export function estimateMemory({ bytes, width, height }: SourceSize): number {
  const work = width && height ? width * height * bytesPerPixel : bytes * bytesPerFileByte
  return childBytes + work
}

/** Memory of this machine, or of the container we are in if that has less, in bytes. */
export function machineMemoryBytes(): number {
  const limits = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'].map(numberIn)
  return Math.min(totalmem(), ...limits.filter((limit) => limit > 0))
}

function numberIn(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1')) || 0
  } catch {
    return 0
  }
}
