import { deflateSync } from 'node:zlib'
import { u16le, u32le } from './bytes.ts'

/** TIFF files in every encoding: bit depths, number formats, colours, planes, strips and tiles. */

export interface Encoding {
  /** Pixels per side; default 32. */
  readonly side?: number
  /** Bits per sample; default 8. */
  readonly bits?: number
  /** Bits per sample in the directory, if they differ. */
  readonly statedBits?: readonly number[]
  /** 1 unsigned, 2 signed, 3 float, 5 and 6 complex. Default 1. */
  readonly numbers?: 1 | 2 | 3 | 4 | 5 | 6
  readonly samples?: number
  /** 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, 8 Lab. Default 1. */
  readonly photometric?: number
  /** Planar configuration: each channel separately. */
  readonly isPlanar?: boolean
  /** Pixels per side of the tiles; strips if undefined. */
  readonly tile?: number
  /** The stated compression; only 8 (Deflate) is applied. Default 1, none. */
  readonly compression?: number
  /** The value of a sample, 0 to 1. By default the first channel grows from left to right. */
  readonly value?: (x: number, channel: number) => number
  /** Further tags with values of 16 bits. */
  readonly tags?: Readonly<Record<number, readonly number[]>>
  /** Changes the stored strips or tiles. */
  readonly damage?: (chunks: readonly Buffer[]) => readonly Buffer[]
}

export function encodedTiff(encoding: Encoding): Uint8Array {
  const { bits = 8, numbers = 1, samples = 1, photometric = 1, compression = 1, tile, tags = {} } = encoding
  const { side = 32, isPlanar = false, damage = (all) => all } = encoding
  const stored = chunks(encoding).map((chunk) => (compression === 8 ? deflateSync(chunk) : chunk))
  const data = damage(stored).map((chunk) => Buffer.concat([chunk, Buffer.alloc(chunk.length % 2)]))
  const offsets = data.map((_, i) => 8 + data.slice(0, i).reduce((sum, { length }) => sum + length, 0))
  const lengths = data.map(({ length }) => length)
  const wide = { 256: [side], 257: [side], [tile ? 324 : 273]: offsets, [tile ? 325 : 279]: lengths }
  const narrow: Record<number, readonly number[]> = {
    258: encoding.statedBits ?? Array<number>(samples).fill(bits),
    259: [compression],
    262: [photometric],
    277: [samples],
    284: [isPlanar ? 2 : 1],
    339: Array<number>(samples).fill(numbers),
    ...(tile ? { 322: [tile], 323: [tile] } : { 278: [side] }),
    ...tags,
  }
  const at = 8 + lengths.reduce((sum, length) => sum + length, 0)
  return Buffer.concat([
    Buffer.from([0x49, 0x49, 0x2a, 0, ...u32le(at)]),
    ...data,
    directory(at, narrow, wide),
  ])
}

type Tags = Readonly<Record<number, readonly number[]>>

/** A directory at an offset of the file, followed by its values. */
function directory(at: number, narrow: Tags, wide: Tags): Buffer {
  const all = [
    ...Object.entries(narrow).map(([tag, values]) => ({
      tag: Number(tag),
      type: 3,
      count: values.length,
      bytes: values.flatMap(u16le),
    })),
    ...Object.entries(wide).map(([tag, values]) => ({
      tag: Number(tag),
      type: 4,
      count: values.length,
      bytes: values.flatMap(u32le),
    })),
  ].toSorted((a, b) => a.tag - b.tag)
  let end = at + 2 + all.length * 12 + 4
  const behind: number[] = []
  const entries = all.flatMap(({ tag, type, count, bytes }) => {
    const isShort = bytes.length <= 4
    const field = isShort ? [...bytes, 0, 0, 0, 0].slice(0, 4) : u32le(end)
    if (!isShort) {
      behind.push(...bytes)
      end += bytes.length
    }
    return [...u16le(tag), ...u16le(type), ...u32le(count), ...field]
  })
  return Buffer.from([...u16le(all.length), ...entries, 0, 0, 0, 0, ...behind])
}

function chunks(encoding: Encoding): Buffer[] {
  const { side = 32, samples = 1, isPlanar = false, tile = side } = encoding
  const channels = Array.from({ length: samples }, (_, i) => i)
  const planes = isPlanar ? channels.map((channel) => [channel]) : [channels]
  const starts = Array.from({ length: Math.ceil(side / tile) }, (_, i) => i * tile)
  return planes.flatMap((plane) =>
    starts.flatMap(() => starts.map((left) => rows(encoding, left, tile, plane))),
  )
}

/** All rows are equal. */
function rows(encoding: Encoding, left: number, side: number, plane: readonly number[]): Buffer {
  const { side: whole = 32, value = across } = encoding
  const row = Array.from({ length: side }, (_, i) => {
    const x = Math.min(whole - 1, left + i) / (whole - 1)
    return plane.map((channel) => stored(encoding, value(x, channel)))
  })
  const text = row.flat().join('')
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g) ?? []
  const line = Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)))
  return Buffer.concat(Array<Buffer>(side).fill(line))
}

const across = (x: number, channel: number) => (channel === 1 ? 0.5 : channel === 2 ? 1 - x : x)

/** The bits of a number in the file. */
function stored({ bits = 8, numbers = 1 }: Encoding, value: number): string {
  if (numbers > 4) return stored({ bits: bits / 2, numbers: numbers === 6 ? 3 : 2 }, value).padEnd(bits, '0')
  if (numbers === 3) return float(bits, value)
  const top = (1n << BigInt(bits)) - 1n
  const unsigned = (BigInt(Math.round(value * 2 ** 20)) * top) >> 20n
  const whole = numbers === 2 ? BigInt.asUintN(bits, unsigned - (1n << BigInt(bits - 1))) : unsigned
  const text = whole.toString(2).padStart(bits, '0')
  return bits % 8 === 0 ? (text.match(/.{8}/g) ?? []).toReversed().join('') : text
}

function float(bits: number, value: number): string {
  const list =
    bits === 16
      ? new Float16Array([value])
      : bits === 32
        ? new Float32Array([value])
        : new Float64Array([value])
  return [...new Uint8Array(list.buffer)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
}
