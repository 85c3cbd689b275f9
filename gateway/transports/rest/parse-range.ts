import type { ByteRange } from '@pixelflow/core/ports/blobs'

/**
 * Parses the Range header (RFC 9110 §14): a range, `whole` without a header or for one that may be ignored, such as
 * several ranges, or `unsatisfiable`.
 */
export function parseRange(
  headers: Headers,
  bytes: number,
  etag: string,
): ByteRange | 'whole' | 'unsatisfiable' {
  const header = headers.get('range')
  if (header === null) return 'whole'
  const condition = headers.get('if-range')
  // Dates are weak validators here: only the ETag proves that the client's part belongs to this content.
  if (condition !== null && condition !== etag) return 'whole'
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d{0,100})-(\d{0,100})[ \t]*$/i.exec(header) ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const length = Math.min(Number(last), bytes)
    return length === 0 ? 'unsatisfiable' : { start: bytes - length, end: bytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= bytes ? 'unsatisfiable' : { start, end }
}
