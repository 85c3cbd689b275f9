import sharp from 'sharp'

/** Differences of two pictures, in levels of 255, with colours premultiplied by alpha. */
export interface Difference {
  readonly mean: number
  readonly worst: number
}

/** The differences of two image files of equal size. */
export async function measureDifference(one: Uint8Array, other: Uint8Array): Promise<Difference> {
  const [a, b] = await Promise.all([one, other].map(readPremultiplied))
  if (a === undefined || b === undefined || a.length !== b.length) throw new Error('the sizes differ')
  let [sum, worst] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0))
    sum += difference
    worst = Math.max(worst, difference)
  }
  return { mean: sum / a.length, worst }
}

/** Whether neither value of a difference is above the allowed one. */
export function isWithin(difference: Difference, allowed: Difference): boolean {
  return difference.mean <= allowed.mean && difference.worst <= allowed.worst
}

/** Pixels with colours premultiplied by alpha, because transparent pixels may have any colour. */
async function readPremultiplied(bytes: Uint8Array): Promise<Float64Array> {
  const raw = await sharp(bytes).ensureAlpha().raw().toBuffer()
  return Float64Array.from(raw, (value, i) =>
    i % 4 === 3 ? value : (value * (raw[i - (i % 4) + 3] ?? 0)) / 255,
  )
}
