import type { ByteRange } from '@pixelflow/core/ports/blobs'

/**
 * What part of `bytes` a request asks for (RFC 9110 §14): a range, `whole` when it names none or something that may be
 * ignored, `outside` when none of it is there. Several ranges at once are answered with the whole.
 */
export function parseRange(headers: Headers, bytes: number, etag: string): ByteRange | 'whole' | 'outside' {
  const header = headers.get('range')
  if (header === null) return 'whole'
  const condition = headers.get('if-range')
  // Dates are weak here: only our tag proves that the client's part is of this content.
  if (condition !== null && condition !== etag) return 'whole'
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d{0,100})-(\d{0,100})[ \t]*$/i.exec(header) ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const length = Math.min(Number(last), bytes)
    return length === 0 ? 'outside' : { start: bytes - length, end: bytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= bytes ? 'outside' : { start, end }
}
