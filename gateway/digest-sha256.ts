/** The SHA-256 of a text, or of bytes in chunks, in hexadecimal digits. */
export function digestSha256(content: string | Iterable<Uint8Array>): string {
  const hasher = new Bun.CryptoHasher('sha256')
  for (const chunk of typeof content === 'string' ? [content] : content) hasher.update(chunk)
  return hasher.digest('hex')
}
