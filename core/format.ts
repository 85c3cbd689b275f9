import { beginsAsSvg } from './svg.ts'

/**
 * The supported image formats: how to detect them, their names, and whether results can be written in them.
 */
interface Format {
  readonly id: string
  readonly mediaType: string
  readonly extensions: readonly string[]
  readonly isWritable: boolean
  /** Whether the format supports transparency. If not, results are flattened on a background. */
  readonly hasAlpha: boolean
  /** Detects the format from the first bytes of a file. */
  readonly matches: (head: Uint8Array) => boolean
}

export const formats = [
  {
    id: 'jpeg',
    mediaType: 'image/jpeg',
    extensions: ['jpg', 'jpeg'],
    isWritable: true,
    hasAlpha: false,
    matches: (h) => starts(h, 0xff, 0xd8, 0xff),
  },
  {
    id: 'png',
    mediaType: 'image/png',
    extensions: ['png'],
    isWritable: true,
    hasAlpha: true,
    matches: (h) => starts(h, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
  },
  {
    id: 'webp',
    mediaType: 'image/webp',
    extensions: ['webp'],
    isWritable: true,
    hasAlpha: true,
    matches: (h) => ascii(h, 0, 'RIFF') && ascii(h, 8, 'WEBP'),
  },
  {
    id: 'avif',
    mediaType: 'image/avif',
    extensions: ['avif'],
    isWritable: true,
    hasAlpha: true,
    matches: (h) => ascii(h, 4, 'ftyp') && brands(h).some((b) => b === 'avif' || b === 'avis'),
  },
  {
    id: 'gif',
    mediaType: 'image/gif',
    extensions: ['gif'],
    isWritable: false,
    hasAlpha: true,
    matches: (h) => ascii(h, 0, 'GIF87a') || ascii(h, 0, 'GIF89a'),
  },
  {
    id: 'tiff',
    mediaType: 'image/tiff',
    extensions: ['tif', 'tiff'],
    isWritable: false,
    hasAlpha: true,
    matches: (h) =>
      starts(h, 0x49, 0x49, 0x2a, 0x00) ||
      starts(h, 0x4d, 0x4d, 0x00, 0x2a) ||
      starts(h, 0x49, 0x49, 0x2b, 0x00) ||
      starts(h, 0x4d, 0x4d, 0x00, 0x2b),
  },
  {
    id: 'svg',
    mediaType: 'image/svg+xml',
    extensions: ['svg'],
    isWritable: false,
    hasAlpha: true,
    matches: (h) => beginsAsSvg(h.subarray(0, sniffBytes)) === true,
  },
] as const satisfies readonly Format[]

export type FormatId = (typeof formats)[number]['id']
export type WritableFormatId = Extract<(typeof formats)[number], { isWritable: true }>['id']

export const formatIds = formats.map((f) => f.id) as [FormatId, ...FormatId[]]
export const writableFormatIds = formats.filter((f) => f.isWritable).map((f) => f.id) as [
  WritableFormatId,
  ...WritableFormatId[],
]

/** Number of first bytes that `sniffFormat` needs, unless the file is shorter. */
export const sniffBytes = 4096
/** Number of first bytes that identify every format except SVG, which may start with comments. */
const binarySniffBytes = 64

/** Whether more bytes could identify a format that these do not. */
export function needsMoreBytes(head: Uint8Array): boolean {
  if (head.length < binarySniffBytes) return true
  return head.length < sniffBytes && beginsAsSvg(head) === undefined
}

/** The format detected from the first bytes; undefined if it is not supported. */
export function sniffFormat(head: Uint8Array): FormatId | undefined {
  return formats.find((f) => f.matches(head))?.id
}

export function formatOf(id: FormatId): Format & { id: FormatId } {
  return formats.find((f) => f.id === id) as Format & { id: FormatId }
}

export function isWritable(id: FormatId): id is WritableFormatId {
  return formatOf(id).isWritable
}

/** The result format of a recipe without `format`: that of the source, or PNG if it cannot be written. */
export function chooseOutputFormat(source: FormatId): WritableFormatId {
  return isWritable(source) ? source : 'png'
}

function starts(head: Uint8Array, ...bytes: number[]): boolean {
  return head.length >= bytes.length && bytes.every((byte, i) => head[i] === byte)
}

function ascii(head: Uint8Array, at: number, text: string): boolean {
  return head.length >= at + text.length && [...text].every((char, i) => head[at + i] === char.charCodeAt(0))
}

/** Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, `ftyp` box), as far as the first bytes contain them. */
function brands(head: Uint8Array): string[] {
  const size = Math.min(
    ((head[0] ?? 0) << 24) | ((head[1] ?? 0) << 16) | ((head[2] ?? 0) << 8) | (head[3] ?? 0),
    head.length,
  )
  const found: string[] = []
  for (let at = 8; at + 4 <= size; at += 4) {
    if (at !== 12) found.push(String.fromCharCode(...head.subarray(at, at + 4)))
  }
  return found
}
