/** How many characters have a code of so many bits, from 5 bits on (RFC 7541, appendix B; the end of text among them). */
const codesByBits = [
  10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4,
] as const
const fewestBits = 5

/**
 * How many characters a string stands for that HPACK has packed. The codes are in order, so how many there are of each
 * length is all that counting needs.
 */
export function huffmanLength(bytes: Uint8Array): number {
  let characters = 0
  let code = 0
  let bits = 0
  /** The first code that is longer than the bits so far. */
  let first = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = code * 2 + ((byte >> bit) & 1)
      first *= 2
      bits += 1
      const codes = codesByBits[bits - fewestBits] ?? 0
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
