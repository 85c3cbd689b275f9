import type { Fault } from '@pixelflow/core/fault'
import type { FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'
import { unsupportedEncoding } from './unsupported-encoding.ts'

/** Limit of segments before the frame header: a hostile file may consist of segments only. */
const maxSegments = 200_000

/**
 * Checks the frame header of a JPEG (ITU-T T.81, B.2.2). The decoder supports baseline, extended, progressive,
 * arithmetic and lossless frames of 8 bits.
 * @throws Fault `unsupported_format` for other frames.
 */
export function prepareJpeg(bytes: FileBytes): Preparation {
  let at = 2
  for (let i = 0; i < maxSegments; i += 1) {
    const [first, marker = 0, high = 0, low = 0, precision = 0, ...size] = bytes.read(at, 9)
    if (first !== 0xff || ended.has(marker)) break
    if (marker === 0xff) at += 1
    else if (isAlone(marker)) at += 2
    else if (isFrame(marker)) {
      if (size.length < 4) break
      const reason = unsupportedIn(marker, precision, size)
      if (reason !== undefined) throw notSupported(reason)
      break
    } else at += 2 + Math.max(2, (high << 8) | low)
  }
  return {}
}

/** Start of scan, and end of image: no frame header follows them. */
const ended: ReadonlySet<number> = new Set([0xda, 0xd9])
const jpegLs = 0xf7

function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)
}

/** All SOF markers and that of JPEG-LS, without DHT, JPG and DAC, whose codes lie between them. */
function isFrame(marker: number): boolean {
  return marker === jpegLs || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
}

function unsupportedIn(marker: number, precision: number, size: readonly number[]): string | undefined {
  if (marker === jpegLs) return 'JPEG-LS coding'
  if (marker === 0xcb) return 'lossless arithmetic coding'
  if ([0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf].includes(marker)) return 'hierarchical coding'
  if (precision > 8 && precision <= 16) return `${precision} bits per channel`
  return size[0] === 0 && size[1] === 0 ? 'a height stated after the pixels' : undefined
}

function notSupported(reason: string): Fault {
  return unsupportedEncoding(
    `JPEG with ${reason} is not supported`,
    'Save it as baseline or progressive JPEG of 8 bits and upload it again.',
  )
}
