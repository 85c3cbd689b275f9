/** Number of HPACK Huffman codes of each length, from 5 bits on (RFC 7541, appendix B, with the EOS code). */
const codesByBits = [
  10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4,
] as const
const minBits = 5

/**
 * Counts the characters of a string that HPACK has Huffman-encoded. The codes are canonical, so the number of codes of each
 * length is enough to find where each code ends.
 */
export function huffmanLength(bytes: Uint8Array): number {
  let characters = 0
  let code = 0
  let bits = 0
  /** The first code that is longer than the current number of bits. */
  let first = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = code * 2 + ((byte >> bit) & 1)
      first *= 2
      bits += 1
      const codes = codesByBits[bits - minBits] ?? 0
      if (code < first + codes) {
        characters += 1
        code = 0
        bits = 0
        first = 0
      } else first += codes
    }
  }
  return characters
}
