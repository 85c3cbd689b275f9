import crypto from 'k6/crypto'

/** The SHA-256 of a file in hexadecimal. */
export function hexDigest(bytes: ArrayBuffer): string {
  return crypto.sha256(bytes, 'hex')
}
