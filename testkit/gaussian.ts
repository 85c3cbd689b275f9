/** The exact Gaussian blur of a gray image, with edge pixels repeated outwards. Slow; a reference for comparisons. */
export function gaussian(
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  sigma: number,
): Float64Array {
  const reach = Math.ceil(5 * sigma)
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  )
  const sum = weights.reduce((all, weight) => all + weight)
  const along = (from: ArrayLike<number>, length: number, step: number) =>
    Float64Array.from(from, (_, at) => {
      const here = Math.floor(at / step) % length
      return weights.reduce((all, weight, i) => {
        const there = Math.min(length - 1, Math.max(0, here + i - reach))
        return all + (weight / sum) * (from[at + (there - here) * step] ?? 0)
      }, 0)
    })
  return along(along(pixels, width, 1), height, width)
}
