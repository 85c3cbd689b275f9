import sharp from 'sharp'
import { ascii, box, u16be, u32be } from './bytes.ts'

/** AVIF files: images that are derived from other images, and sequences. */

/** An encoded tile of 64 × 64, and its configuration box. */
async function tile(): Promise<{ coded: Uint8Array; config: number[] }> {
  const create = { width: 64, height: 64, channels: 3, background: '#336699' } as const
  const file = await sharp({ create }).avif({ effort: 0 }).toBuffer()
  const config = file.indexOf('av1C') - 4
  const data = file.lastIndexOf('mdat')
  return {
    coded: file.subarray(data + 4, data - 4 + file.readUInt32BE(data - 4)),
    config: [...file.subarray(config, config + file.readUInt32BE(config))],
  }
}

const full = (type: string, version: number, flags: number, ...content: number[]) =>
  box(type, version, 0, 0, flags, ...content)
const brand = (name: string, ...others: string[]) =>
  box('ftyp', ...ascii(name), 0, 0, 0, 0, ...[name, ...others].flatMap(ascii))
const handler = full('hdlr', 0, 0, 0, 0, 0, 0, ...ascii('pict'), ...Array<number>(13).fill(0))
const extent = (width: number, height: number) => full('ispe', 0, 0, ...u32be(width), ...u32be(height))

interface Item {
  readonly type: 'av01' | 'grid' | 'iovl' | 'iden'
  /** Numbers of the items from which it is derived, counted from 1. */
  readonly of: readonly number[]
  readonly size: readonly [number, number]
  /** Its data; items without data are the encoded tile. */
  readonly data?: readonly number[]
}

/** A file with these items. The first one is the primary image. */
async function items(
  all: readonly Item[],
  brands: readonly [string, ...string[]] = ['avif', 'mif1'],
): Promise<Uint8Array> {
  const { coded, config } = await tile()
  const data = all.flatMap((item) => item.data ?? [])
  const starts = all.map((_, i) => all.slice(0, i).reduce((sum, item) => sum + (item.data?.length ?? 0), 0))
  const head = brand(...brands)
  const metaOf = (codedAt: number) =>
    full(
      'meta',
      0,
      0,
      ...handler,
      ...full('pitm', 0, 0, ...u16be(1)),
      ...full(
        'iinf',
        0,
        0,
        ...u16be(all.length),
        ...all.flatMap(({ type }, i) => full('infe', 2, 0, ...u16be(i + 1), 0, 0, ...ascii(type), 0)),
      ),
      ...full(
        'iref',
        0,
        0,
        ...all.flatMap(({ of }, i) =>
          of.length === 0
            ? []
            : box('dimg', ...u16be(i + 1), ...u16be(of.length), ...of.flatMap((item) => u16be(item))),
        ),
      ),
      ...box(
        'iprp',
        ...box('ipco', ...config, ...all.flatMap(({ size }) => extent(...size))),
        ...full(
          'ipma',
          0,
          0,
          ...u32be(all.length),
          ...all.flatMap(({ type }, i) =>
            type === 'av01' ? [...u16be(i + 1), 2, 0x81, i + 2] : [...u16be(i + 1), 1, i + 2],
          ),
        ),
      ),
      // Offsets and lengths of four bytes. Data of items is in the `idat` box, tiles are in the file.
      ...full(
        'iloc',
        1,
        0,
        0x44,
        0,
        ...u16be(all.length),
        ...all.flatMap(({ data: own }, i) => [
          ...u16be(i + 1),
          ...u16be(own ? 1 : 0),
          ...u16be(0),
          ...u16be(1),
          ...u32be(own ? (starts[i] ?? 0) : codedAt),
          ...u32be(own ? own.length : coded.length),
        ]),
      ),
      ...box('idat', ...data),
    )
  const length = head.length + metaOf(0).length
  return Buffer.concat([
    Buffer.from(head),
    Buffer.from(metaOf(length + 8)),
    Buffer.from([...u32be(coded.length + 8), ...ascii('mdat')]),
    coded,
  ])
}

const gridData = (rows: number, columns: number, width: number, height: number) => [
  0,
  1,
  rows - 1,
  columns - 1,
  ...u32be(width),
  ...u32be(height),
]

/** A grid of `rows` × `columns`, up to 256 each, which repeats one tile of a few hundred bytes. */
export function grid(rows: number, columns: number): Promise<Uint8Array> {
  const [width, height] = [columns * 64, rows * 64]
  return items([
    {
      type: 'grid',
      of: Array<number>(rows * columns).fill(2),
      size: [width, height],
      data: gridData(rows, columns, width, height),
    },
    { type: 'av01', of: [], size: [64, 64] },
  ])
}

/** A grid whose only tile is the grid itself. */
export function gridOfItself(): Promise<Uint8Array> {
  return items([{ type: 'grid', of: [1], size: [64, 64], data: gridData(1, 1, 64, 64) }])
}

/** Nested grids, each of which repeats the next one four times: 4 to the power of `depth` tiles. */
export function nested(depth: number): Promise<Uint8Array> {
  const size = [64, 64] as const
  return items([
    ...Array.from({ length: depth }, (_, i) => ({
      type: 'grid' as const,
      of: Array<number>(4).fill(i + 2),
      size,
      data: gridData(2, 2, 64, 64),
    })),
    { type: 'av01', of: [], size },
  ])
}

/** Images that are copies of each other, in a circle. */
export function circle(count: number): Promise<Uint8Array> {
  return items(
    Array.from({ length: count }, (_, i) => ({
      type: 'iden' as const,
      of: [((i + 1) % count) + 1],
      size: [64, 64] as const,
      data: [0],
    })),
  )
}

/** A sequence of `count` frames in a table of one row, with or without a still image. */
export async function sequence(count: number, still: boolean): Promise<Uint8Array> {
  const { coded, config } = await tile()
  const zeros = (length: number) => Array<number>(length).fill(0)
  const matrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].flatMap(u32be)
  const entry = box(
    'av01',
    ...zeros(6),
    ...u16be(1),
    ...zeros(16),
    ...u16be(64),
    ...u16be(64),
    ...u32be(0x480000),
    ...u32be(0x480000),
    ...u32be(0),
    ...u16be(1),
    ...zeros(32),
    ...u16be(24),
    0xff,
    0xff,
    ...config,
  )
  const movie = (at: number) =>
    box(
      'moov',
      ...full(
        'mvhd',
        0,
        0,
        ...zeros(8),
        ...u32be(1000),
        ...u32be(count),
        ...u32be(0x10000),
        ...zeros(12),
        ...matrix,
        ...zeros(24),
        ...u32be(2),
      ),
      ...box(
        'trak',
        ...full(
          'tkhd',
          0,
          3,
          ...zeros(8),
          ...u32be(1),
          ...zeros(4),
          ...u32be(count),
          ...zeros(16),
          ...matrix,
          ...u32be(64 << 16),
          ...u32be(64 << 16),
        ),
        ...box(
          'mdia',
          ...full('mdhd', 0, 0, ...zeros(8), ...u32be(1000), ...u32be(count), ...zeros(4)),
          ...handler,
          ...box(
            'minf',
            ...full('vmhd', 0, 1, ...zeros(8)),
            ...box('dinf', ...full('dref', 0, 0, ...u32be(1), ...full('url ', 0, 1))),
            ...box(
              'stbl',
              ...full('stsd', 0, 0, ...u32be(1), ...entry),
              ...full('stts', 0, 0, ...u32be(1), ...u32be(count), ...u32be(1)),
              ...full('stsc', 0, 0, ...u32be(1), ...u32be(1), ...u32be(count), ...u32be(1)),
              ...full('stsz', 0, 0, ...u32be(coded.length), ...u32be(count)),
              ...full('stco', 0, 0, ...u32be(1), ...u32be(at)),
            ),
          ),
        ),
      ),
    )
  if (still) {
    const file = await items([{ type: 'av01', of: [], size: [64, 64] }], ['avif', 'avis', 'msf1', 'mif1'])
    return Buffer.concat([file, Buffer.from(movie(file.length - coded.length))])
  }
  const head = brand('avis', 'msf1', 'iso8', 'mif1')
  const at = head.length + movie(0).length + 8
  return Buffer.concat([
    Buffer.from([...head, ...movie(at), ...u32be(coded.length + 8), ...ascii('mdat')]),
    coded,
  ])
}
