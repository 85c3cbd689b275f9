import type { FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'

/** Blocks gone over on the way to the first frame. */
const mostBlocks = 1_000_000

interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Looks at where the first frame of a GIF lies on its canvas (GIF89a, 18 and 20). What it leaves free is transparent, but
 * libvips has no transparency for a file none of whose frames names a transparent colour, and paints it black.
 */
export function prepareGif(bytes: FileBytes): Preparation {
  const head = bytes.read(0, 13)
  if (head.length < 13) return {}
  const canvas = { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }
  const frame = firstFrame(bytes, 13 + colourTableBytes(head[10] ?? 0))
  if (frame === undefined || covers(frame, canvas)) return {}
  return {
    adjust: (image, { width, height, hasAlpha }) =>
      hasAlpha ? undefined : image.joinChannel(mask(width, height, frame), rawGray(width, height)),
  }
}

function rawGray(width: number, height: number) {
  return { raw: { width, height, channels: 1 as const } }
}

/** Opaque where the frame is. */
function mask(width: number, height: number, { left, top, ...frame }: Area): Buffer {
  const alpha = Buffer.alloc(width * height)
  const right = Math.min(width, left + frame.width)
  for (let y = top; y < Math.min(height, top + frame.height); y += 1)
    alpha.fill(255, y * width + Math.min(left, right), y * width + right)
  return alpha
}

function covers({ left, top, width, height }: Area, canvas: { width: number; height: number }): boolean {
  return left === 0 && top === 0 && width >= canvas.width && height >= canvas.height
}

function firstFrame(bytes: FileBytes, from: number): Area | undefined {
  let at = from
  for (let blocks = 0; blocks < mostBlocks; blocks += 1) {
    const [kind] = bytes.read(at, 1)
    if (kind === 0x2c) {
      const place = bytes.read(at + 1, 8)
      if (place.length < 8) return undefined
      const [left, top, width, height] = [0, 2, 4, 6].map((i) => place.readUInt16LE(i)) as [
        number,
        number,
        number,
        number,
      ]
      return { left, top, width, height }
    }
    if (kind !== 0x21) return undefined
    // An extension: its label, and then pieces that each begin with their length; an empty one ends it.
    at += 2
    for (; blocks < mostBlocks; blocks += 1) {
      const [length] = bytes.read(at, 1)
      if (length === undefined) return undefined
      at += 1 + length
      if (length === 0) break
    }
  }
  return undefined
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}
