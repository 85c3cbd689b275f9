/**
 * Width and height of a JPEG by its frame header (ITU-T T.81, B.2), from what is there of the file; undefined where that
 * has not come yet. Goes over each segment once: the general parser copies what is left of the file at each, so that a
 * file of tiny segments takes it a tenth of a second.
 */
export function jpegSize(head: Uint8Array): { width: number; height: number } | undefined {
  const u16 = (at: number) => ((head[at] ?? 0) << 8) | (head[at + 1] ?? 0)
  for (let at = 2; at + 4 <= head.length;) {
    const marker = head[at + 1] ?? 0
    if (head[at] !== 0xff || isOver.has(marker)) return undefined
    if (marker === 0xff) at += 1
    else if (isAlone(marker)) at += 2
    else if (!isFrame(marker)) at += 2 + Math.max(2, u16(at + 2))
    else return at + 9 <= head.length ? { width: u16(at + 7), height: u16(at + 5) } : undefined
  }
  return undefined
}

/** The first scan, and the end: no frame header comes after those. */
const isOver = new Set([0xda, 0xd9])

/** Markers without a segment. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)
}

/** All SOF markers; DHT, JPG and DAC lie between them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}
