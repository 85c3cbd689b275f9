/** Binary encodings: little and big endian numbers, ASCII, and the boxes of ISO media files. */

export function u16le(value: number): number[] {
  return [value & 255, (value >> 8) & 255]
}
export function u16be(value: number): number[] {
  return u16le(value).reverse()
}
export function u32le(value: number): number[] {
  return [...u16le(value & 0xffff), ...u16le(value >>> 16)]
}
export function u32be(value: number): number[] {
  return u32le(value).reverse()
}
export function ascii(text: string): number[] {
  return [...text].map((char) => char.charCodeAt(0))
}
/** A box of an ISO base media file, the container of AVIF. */
export function box(type: string, ...content: number[]): number[] {
  return [...u32be(content.length + 8), ...ascii(type), ...content]
}
