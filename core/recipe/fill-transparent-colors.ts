import type { Rgba } from './rgba.ts'

/**
 * Distances to a horizontal or vertical neighbour and to a diagonal one, in thirds of a pixel. One byte holds distances
 * of about 80 pixels; the largest sharpening kernel reaches 30.
 */
const [side, across] = [3, 4]
const far = 255

/**
 * The colours of a picture without its alpha channel. A fully transparent pixel gets the colour of the nearest visible
 * pixel, so that an edge of alpha is not an edge of colour. Pixels without a visible pixel nearby keep their colour.
 */
export function fillTransparentColors({ data, width, height }: Rgba): Uint8Array {
  const colors = new Uint8Array(width * height * 3)
  const distance = new Uint8Array(width * height)
  for (let i = 0, from = 0, to = 0; i < distance.length; i++, from += 4, to += 3) {
    colors[to] = data[from] ?? 0
    colors[to + 1] = data[from + 1] ?? 0
    colors[to + 2] = data[from + 2] ?? 0
    if (data[from + 3] === 0) distance[i] = far
  }
  // A two-pass distance transform: from the top left to the bottom right, then back.
  sweep(colors, distance, { width, height, step: 1 })
  sweep(colors, distance, { width, height, step: -1 })
  return colors
}

interface Sweep {
  readonly width: number
  readonly height: number
  readonly step: 1 | -1
}

/**
 * One pass: each transparent pixel takes the colour of the already visited neighbour that is nearest to a visible
 * pixel.
 */
function sweep(colors: Uint8Array, distance: Uint8Array, { width, height, step }: Sweep): void {
  const [firstX, lastX] = step === 1 ? [0, width - 1] : [width - 1, 0]
  const [firstY, lastY] = step === 1 ? [0, height - 1] : [height - 1, 0]
  for (let y = firstY; ; y += step) {
    for (let x = firstX; ; x += step) {
      const at = y * width + x
      const known = distance[at] ?? 0
      if (known !== 0) {
        let nearest = known
        let from = at
        if (x !== firstX) {
          const reached = (distance[at - step] ?? far) + side
          if (reached < nearest) [nearest, from] = [reached, at - step]
        }
        if (y !== firstY) {
          const above = at - step * width
          const reached = (distance[above] ?? far) + side
          if (reached < nearest) [nearest, from] = [reached, above]
          if (x !== firstX) {
            const corner = (distance[above - step] ?? far) + across
            if (corner < nearest) [nearest, from] = [corner, above - step]
          }
          if (x !== lastX) {
            const corner = (distance[above + step] ?? far) + across
            if (corner < nearest) [nearest, from] = [corner, above + step]
          }
        }
        if (from !== at) {
          distance[at] = nearest
          colors[at * 3] = colors[from * 3] ?? 0
          colors[at * 3 + 1] = colors[from * 3 + 1] ?? 0
          colors[at * 3 + 2] = colors[from * 3 + 2] ?? 0
        }
      }
      if (x === lastX) break
    }
    if (y === lastY) break
  }
}
