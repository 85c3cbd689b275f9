import { frame, frameTypes } from './http2.ts'

/** Parts of header blocks as HTTP/2 encodes them (RFC 7541). Only tests use this. */

interface FieldOptions {
  /** Has the decoder know the field from then on. */
  readonly isIndexed?: boolean
  /** The value is as many characters of "0", whose code is five zero bits. */
  readonly zeros?: number
}

/** A field with its name and value in full. */
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

/** A field that the decoder knows, by its number. */
export function known(index: number): Buffer {
  return integer(index, 7, 0x80)
}

/** The fields that every gRPC call has. */
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

/** A header block in as many frames as it takes. */
export function headerFrames(stream: number, block: Uint8Array, longest = 16_384): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at < block.length; at += longest) {
    const isLast = at + longest >= block.length
    const type = at === 0 ? frameTypes.headers : 9
    frames.push(frame(type, isLast ? 4 : 0, stream, block.subarray(at, at + longest)))
  }
  return Buffer.concat(frames)
}

function integer(value: number, prefix: number, first = 0): Buffer {
  const most = 2 ** prefix - 1
  if (value < most) return Buffer.from([first | value])
  const bytes = [first | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
