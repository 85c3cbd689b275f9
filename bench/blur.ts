import { gaussian } from '@pixelflow/testkit/gaussian'
import sharp from 'sharp'

/**
 * Measures cost and accuracy of each precision of blur: `bun bench/blur.ts`. Prints the table of ADR 15. CPU milliseconds
 * are for 12 megapixels; errors are in levels of 255, on hard edges of 215 levels and on flat areas.
 */

sharp.concurrency(1)
sharp.cache(false)

const precisions = ['integer', 'float', 'approximate'] as const
type Precision = (typeof precisions)[number]
/** Above this sigma float takes minutes. */
const maxFloatSigma = 40

const large = noise(4000, 3000)
const small = { width: 240, height: 180 }
const edges = Uint8Array.from({ length: small.width * small.height }, (_, i) =>
  i % small.width < small.width / 2 !== i < (small.width * small.height) / 2 ? 235 : 20,
)

console.log('| sigma | precision | CPU ms | flat off by | edge off by | jump to sigma × 1.01 |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const sigma of [0.3, 0.5, 1, 2, 2.8, 3, 5, 10, 20, 40, 100]) {
  for (const precision of precisions) {
    if (precision === 'float' && sigma > maxFloatSigma) continue
    const row = [
      sigma,
      precision,
      await measureCpuMs(precision, sigma),
      await flatError(precision, sigma),
      await edgeError(precision, sigma),
    ]
    const jump = maxDifference(
      await blurred(edges, precision, sigma),
      await blurred(edges, precision, sigma * 1.01),
    )
    console.log(`| ${[...row, jump].join(' | ')} |`)
  }
}

async function blurred(pixels: Uint8Array, precision: Precision, sigma: number): Promise<Uint8Array> {
  const raw = { ...small, channels: 1 } as const
  const image = sharp(pixels, { raw }).blur({ sigma, precision, minAmplitude: 0.01 })
  // The output of gray pixels has three equal channels.
  return (await image.raw().toBuffer()).filter((_, i) => i % 3 === 0)
}

async function measureCpuMs(precision: Precision, sigma: number): Promise<number> {
  const before = process.cpuUsage()
  const raw = { width: 4000, height: 3000, channels: 3 } as const
  await sharp(large, { raw }).blur({ sigma, precision, minAmplitude: 0.01 }).raw().toBuffer()
  const { user, system } = process.cpuUsage(before)
  return Math.round((user + system) / 1000)
}

async function flatError(precision: Precision, sigma: number): Promise<number> {
  const levels = [1, 60, 128, 200, 254, 255].map((level) => edges.map(() => level))
  return Math.max(
    ...(await Promise.all(
      levels.map(async (flat) => maxDifference(await blurred(flat, precision, sigma), flat)),
    )),
  )
}

async function edgeError(precision: Precision, sigma: number): Promise<string> {
  return maxDifference(await blurred(edges, precision, sigma), gaussian(edges, small, sigma)).toFixed(1)
}

function maxDifference(one: Uint8Array, other: ArrayLike<number>): number {
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? 0))), 0)
}

function noise(width: number, height: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}
