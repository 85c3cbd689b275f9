import { boxesIn, boxesOf, contentOf, type IsoBox } from './iso-box.ts'
import type { FileBytes } from './file-bytes.ts'

/** The primary item of an AVIF and its properties (HEIF, ISO/IEC 23008-12). */
export interface AvifItem {
  /** `av01` for a single image, `grid` for an image of tiles. */
  readonly type: string
  /** Properties of the item and of its tiles. */
  readonly properties: readonly AvifProperty[]
  /** Whether the colours are premultiplied by alpha. */
  readonly isPremultiplied: boolean
}

export interface AvifProperty {
  readonly type: string
  readonly content: Buffer
}

/** Bytes of a property that are read; ICC profiles are longer. */
const propertyBytes = 64

/** Undefined without a primary item, or when its boxes cannot be read. */
export function mainItemOf(bytes: FileBytes): AvifItem | undefined {
  try {
    const meta = boxesIn(bytes, 0, bytes.length).find(({ type }) => type === 'meta')
    return meta && readItem(bytes, boxesOf(bytes, meta, 4))
  } catch (error) {
    // A value lies beyond the end of its box. The decoder decides about such a file.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/**
 * Whether all boxes are complete, and the file has tracks but no box that could describe a still image. For a truncated
 * file this is unknown, so the result is false.
 */
export function hasTracksOnly(bytes: FileBytes): boolean {
  const boxes = boxesIn(bytes, 0, bytes.length)
  const last = boxes.at(-1)
  const types = boxes.map(({ type }) => type)
  return (
    last !== undefined &&
    last.at + last.length === bytes.length &&
    types.includes('moov') &&
    !types.includes('meta')
  )
}

function readItem(bytes: FileBytes, boxes: readonly IsoBox[]): AvifItem | undefined {
  const content = (type: string) => {
    const box = boxes.find((one) => one.type === type)
    return box && contentOf(bytes, box)
  }
  const primary = content('pitm')
  if (primary === undefined) return undefined
  const id = primary[0] === 0 ? primary.readUInt16BE(4) : primary.readUInt32BE(4)
  const types = itemTypes(bytes, boxes)
  const references = referencesFrom(bytes, boxes, id)
  const tiles = references.filter(({ type }) => type === 'dimg').flatMap(({ to }) => to)
  return {
    type: types.get(id) ?? '',
    properties: propertiesOf(bytes, boxes, new Set([id, ...tiles])),
    isPremultiplied: references.some(({ type }) => type === 'prem'),
  }
}

function itemTypes(bytes: FileBytes, boxes: readonly IsoBox[]): ReadonlyMap<number, string> {
  const types = new Map<number, string>()
  const info = boxes.find(({ type }) => type === 'iinf')
  if (info === undefined) return types
  const [version] = bytes.read(info.at, 1)
  for (const entry of boxesOf(bytes, info, version === 0 ? 6 : 8)) {
    const [entryVersion, , , , ...rest] = bytes.read(entry.at, 16)
    if (entry.type !== 'infe' || entryVersion === undefined || entryVersion < 2) continue
    const fields = Buffer.from(rest)
    const idBytes = entryVersion === 2 ? 2 : 4
    types.set(fields.readUIntBE(0, idBytes), fields.toString('latin1', idBytes + 2, idBytes + 6))
  }
  return types
}

function referencesFrom(bytes: FileBytes, boxes: readonly IsoBox[], id: number) {
  const box = boxes.find(({ type }) => type === 'iref')
  if (box === undefined) return []
  const idBytes = bytes.read(box.at, 1)[0] === 0 ? 2 : 4
  return boxesOf(bytes, box, 4).flatMap((reference) => {
    const fields = contentOf(bytes, reference)
    if (fields === undefined || fields.readUIntBE(0, idBytes) !== id) return []
    const count = fields.readUInt16BE(idBytes)
    const to = Array.from({ length: count }, (_, i) => fields.readUIntBE(idBytes + 2 + i * idBytes, idBytes))
    return [{ type: reference.type, to }]
  })
}

function propertiesOf(bytes: FileBytes, boxes: readonly IsoBox[], ids: ReadonlySet<number>): AvifProperty[] {
  const box = boxes.find(({ type }) => type === 'iprp')
  if (box === undefined) return []
  const within = boxesOf(bytes, box)
  const container = within.find(({ type }) => type === 'ipco')
  const all = container ? boxesOf(bytes, container) : []
  const used = within
    .filter(({ type }) => type === 'ipma')
    .flatMap((association) => readAssociations(contentOf(bytes, association), ids))
  return used.flatMap((index) => {
    const property = all[index - 1]
    if (property === undefined) return []
    const content = Buffer.from(bytes.read(property.at, Math.min(property.length, propertyBytes)))
    return [{ type: property.type, content }]
  })
}

/** Indexes of the properties of these items, from 1. */
function readAssociations(fields: Buffer | undefined, ids: ReadonlySet<number>): number[] {
  if (fields === undefined) return []
  const [version = 0, , , flags = 0] = fields
  const idBytes = version < 1 ? 2 : 4
  const indexBytes = (flags & 1) === 0 ? 1 : 2
  const found: number[] = []
  let at = 8
  for (let left = fields.readUInt32BE(4); left > 0; left -= 1) {
    const isWanted = ids.has(fields.readUIntBE(at, idBytes))
    const count = fields.readUInt8(at + idBytes)
    at += idBytes + 1
    for (let i = 0; i < count; i += 1, at += indexBytes) {
      // The highest bit says whether a reader must support the property.
      if (isWanted) found.push(fields.readUIntBE(at, indexBytes) & (indexBytes === 1 ? 0x7f : 0x7fff))
    }
  }
  return found
}
