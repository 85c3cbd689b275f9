/** Raw pixels of four channels, 8 bits each, the last of them alpha. */
export interface Rgba {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** Steps between neighbours, in thirds of a pixel: to the side and across. */
const [side, across] = [3, 4]

/**
 * The colours of a picture without its transparency: what is fully transparent has the colour of the visible pixel that
 * is nearest to it, so that an edge of alpha is no edge in colour. Where nothing is visible, colours stay as they are.
 */
export function filledColors({ data, width, height }: Rgba): Uint8Array {
  const colors = new Uint8Array(width * height * 3)
  const far = 0xffff
  const distance = new Uint16Array(width * height)
  for (let i = 0; i < distance.length; i++) {
    colors[i * 3] = data[i * 4] ?? 0
    colors[i * 3 + 1] = data[i * 4 + 1] ?? 0
    colors[i * 3 + 2] = data[i * 4 + 2] ?? 0
    distance[i] = data[i * 4 + 3] === 0 ? far : 0
  }
  const spread = (to: number, from: number, length: number) => {
    const reached = (distance[from] ?? far) + length
    if (reached >= (distance[to] ?? 0)) return
    distance[to] = reached
    colors.copyWithin(to * 3, from * 3, from * 3 + 3)
  }
  // A distance transform in two sweeps: from what is above and to the left, then from what is below and to the right.
  for (const step of [1, -1]) {
    const isOutside = (at: number, end: number) => at < 0 || at >= end
    for (let row = 0; row < height; row++) {
      const y = step === 1 ? row : height - 1 - row
      for (let column = 0; column < width; column++) {
        const x = step === 1 ? column : width - 1 - column
        const at = y * width + x
        if (distance[at] === 0) continue
        if (!isOutside(x - step, width)) spread(at, at - step, side)
        if (isOutside(y - step, height)) continue
        const above = at - step * width
        spread(at, above, side)
        if (!isOutside(x - step, width)) spread(at, above - step, across)
        if (!isOutside(x + step, width)) spread(at, above + step, across)
      }
    }
  }
  return colors
}

/** The transparency alone, one channel. */
export function alphaOf({ data, width, height }: Rgba): Uint8Array {
  const alpha = new Uint8Array(width * height)
  for (let i = 0; i < alpha.length; i++) alpha[i] = data[i * 4 + 3] ?? 0
  return alpha
}
