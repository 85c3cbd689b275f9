import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { paintPng } from './paint-png.ts'

const width = 1600
const height = 1000

type Colour = readonly [number, number, number]

const skyTop: Colour = [24, 32, 84]
const skyLow: Colour = [255, 148, 92]
const sun: Colour = [255, 236, 179]
const near: Colour = [16, 22, 48]
const ridges = 5

/** A PNG of 1600 × 1000 pixels that shows an evening over hills. */
export function paintDemoImage(): Uint8Array {
  const tops = Array.from({ length: ridges }, (_, ridge) => horizon(ridge))
  return paintPng(width, height, (x, y) => {
    const toSun = Math.hypot(x - width * 0.62, y - height * 0.52)
    // The disc of the sun, and a glow that fades with the distance.
    const glow = toSun < 92 ? 1 : Math.exp(-(toSun - 92) / 170) * 0.75
    const ridge = tops.findLastIndex((top) => y > (top[x] ?? height))
    if (ridge === -1) return mix(mix(skyTop, skyLow, Math.min(1, (y / height) * 1.7) ** 1.4), sun, glow)
    const depth = (ridge + 1) / ridges
    return mix(mix(skyLow, near, 0.35 + 0.65 * depth), sun, Math.min(glow, 0.75) * 0.12 * (1 - depth))
  })
}

/** Height of one ridge over every column, in pixels from the top. */
function horizon(ridge: number): Float64Array {
  const base = 0.5 + ((ridge + 1) / ridges) * 0.33
  return Float64Array.from({ length: width }, (_, x) => {
    const hills = 0.045 * Math.sin(x / (240 - 28 * ridge) + ridge * 2.1)
    const rough = 0.012 * Math.sin(x / (37 + 9 * ridge) + ridge) + 0.006 * Math.sin(x / 11 + ridge * 3)
    return (base + hills + rough) * height
  })
}

/** Writes the sample image, for its owner only, if the file does not exist, and returns its path. */
export function writeDemoImage(path: string): string {
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.${process.pid}`, paintDemoImage(), { mode: 0o600 })
  renameSync(`${path}.${process.pid}`, path)
  return path
}

function mix(a: Colour, b: Colour, share: number): Colour {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]
}
