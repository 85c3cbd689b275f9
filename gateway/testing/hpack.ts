import { frame, frameTypes } from './raw-http2.ts'

/** Encodes parts of header blocks (HPACK, RFC 7541). */

interface FieldOptions {
  /** Whether the decoder adds the field to its dynamic table. */
  readonly isIndexed?: boolean
  /** The value is this many "0" characters, Huffman-encoded as five zero bits each. */
  readonly zeros?: number
}

/** A literal field. */
export function field(name: string, value: string, { isIndexed = false, zeros }: FieldOptions = {}): Buffer {
  const packed = zeros === undefined ? undefined : Buffer.alloc(Math.ceil((zeros * 5) / 8))
  const bytes = packed ?? Buffer.from(value)
  const first = isIndexed ? 0x40 : 0
  return Buffer.concat([
    Buffer.from([first]),
    integer(name.length, 7),
    Buffer.from(name),
    integer(bytes.length, 7, packed ? 0x80 : 0),
    bytes,
  ])
}

/** A field of the decoder's table by its index. */
export function indexedField(index: number): Buffer {
  return integer(index, 7, 0x80)
}

/** The header fields of every gRPC call. */
export function callFields(path: string, authority: string): Buffer {
  return Buffer.concat([
    field(':method', 'POST'),
    field(':scheme', 'http'),
    field(':path', path),
    field(':authority', authority),
    field('content-type', 'application/grpc'),
    field('te', 'trailers'),
  ])
}

/** A header block as HEADERS and CONTINUATION frames. */
export function headerFrames(stream: number, block: Uint8Array, maxFrameBytes = 16_384): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at < block.length; at += maxFrameBytes) {
    const isLast = at + maxFrameBytes >= block.length
    const type = at === 0 ? frameTypes.headers : 9
    frames.push(frame(type, isLast ? 4 : 0, stream, block.subarray(at, at + maxFrameBytes)))
  }
  return Buffer.concat(frames)
}

function integer(value: number, prefix: number, first = 0): Buffer {
  const max = 2 ** prefix - 1
  if (value < max) return Buffer.from([first | value])
  const bytes = [first | max]
  let rest = value - max
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
