import { withFileBytes, type FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'

/** Limit of blocks before the end of the first frame: a hostile file may consist of blocks only. */
const maxBlocks = 4_000_000

/** Position of the first frame on the canvas and in the file. */
interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Position of the block after its pixels. */
  readonly end: number
}

/**
 * Works around a first frame that does not cover its canvas (GIF89a, 18 and 20). The uncovered area is transparent, but
 * libvips has no alpha for a file in which no frame names a transparent colour, and renders that area black.
 */
export function prepareGif(input: string | Buffer, bytes: FileBytes): Preparation {
  const head = bytes.read(0, 13)
  if (head.length < 13) return {}
  const canvas = { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }
  const frame = firstFrame(bytes, 13 + colourTableBytes(head[10] ?? 0))
  if (frame === undefined || covers(frame, canvas)) return {}
  return { replace: ({ hasAlpha }) => (hasAlpha ? undefined : withTransparency(input, frame)) }
}

/**
 * The first frame followed by a frame with a transparent colour. The decoder then produces alpha, and needs no more
 * memory than for other files: no canvas is allocated here.
 */
function withTransparency(input: string | Buffer, { end }: Frame): Buffer {
  return Buffer.concat([withFileBytes(input, (bytes) => bytes.read(0, end)), transparentFrame])
}

/** A frame of one pixel whose colour 0 is transparent, with its own colour table, and the end of the file. */
const transparentFrame = Buffer.from(
  '21f9040100000000' + '2c000000000100010080000000000000' + '0202440100' + '3b',
  'hex',
)

function covers({ left, top, width, height }: Frame, canvas: { width: number; height: number }): boolean {
  return left === 0 && top === 0 && width >= canvas.width && height >= canvas.height
}

/** Undefined without a complete first frame. */
function firstFrame(bytes: FileBytes, from: number): Frame | undefined {
  let blocksLeft = maxBlocks
  let at = from
  for (; blocksLeft > 0; blocksLeft -= 1) {
    const [kind] = bytes.read(at, 1)
    if (kind === 0x2c) {
      const descriptor = Buffer.from(bytes.read(at + 1, 9))
      if (descriptor.length < 9) return undefined
      // The pixel data starts with the LZW code size.
      const end = endOfSubBlocks(at + 10 + colourTableBytes(descriptor[8] ?? 0) + 1)
      const [left, top, width, height] = [0, 2, 4, 6].map((i) => descriptor.readUInt16LE(i)) as [
        number,
        number,
        number,
        number,
      ]
      return end === undefined ? undefined : { left, top, width, height, end }
    }
    // An extension: its label, then sub-blocks.
    const end = kind === 0x21 ? endOfSubBlocks(at + 2) : undefined
    if (end === undefined) return undefined
    at = end
  }
  return undefined

  /** Each sub-block starts with its length; an empty one ends the list. */
  function endOfSubBlocks(start: number): number | undefined {
    let piece = start
    for (; blocksLeft > 0; blocksLeft -= 1) {
      const [length] = bytes.read(piece, 1)
      if (length === undefined) return undefined
      piece += 1 + length
      if (length === 0) return piece
    }
    return undefined
  }
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}
