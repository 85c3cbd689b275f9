import type { FileBytes } from './file-bytes.ts'

/** A box of an ISO base media file (ISO/IEC 14496-12, 4.2) with the position of its content. */
export interface IsoBox {
  readonly type: string
  readonly at: number
  readonly length: number
}

/** Limit of boxes on one level. */
const maxBoxes = 10_000

/** The consecutive boxes in a range of a file, as far as they are complete. */
export function boxesIn(bytes: FileBytes, from: number, end: number): IsoBox[] {
  const boxes: IsoBox[] = []
  let at = from
  while (at + 8 <= end && boxes.length < maxBoxes) {
    const head = bytes.read(at, 16)
    if (head.length < 8) break
    const stated = head.readUInt32BE(0)
    const isLarge = stated === 1 && head.length === 16
    const headBytes = isLarge ? 16 : 8
    const size = isLarge ? Number(head.readBigUInt64BE(8)) : stated === 0 ? end - at : stated
    if (size < headBytes || at + size > end) break
    boxes.push({ type: head.toString('latin1', 4, 8), at: at + headBytes, length: size - headBytes })
    at += size
  }
  return boxes
}

/** The boxes within a box after `skip` bytes, which is 4 for boxes with version and flags. */
export function boxesOf(bytes: FileBytes, { at, length }: IsoBox, skip = 0): IsoBox[] {
  return boxesIn(bytes, at + skip, at + length)
}

/** The content of a box; undefined when it is longer than `most` bytes. */
export function contentOf(bytes: FileBytes, { at, length }: IsoBox, most = 1024 * 1024): Buffer | undefined {
  if (length > most) return undefined
  const content = Buffer.from(bytes.read(at, length))
  return content.length === length ? content : undefined
}
