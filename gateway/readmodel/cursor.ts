import { Fault } from '@pixelflow/core/fault'
import { id } from '@pixelflow/core/image'

/** A cursor is the id of the last item of a page, packed so that nobody takes it for one. */
export function cursorAfter(taskId: string): string {
  return Buffer.from(taskId.replaceAll('-', ''), 'hex').toString('base64url')
}

/** The id behind a cursor. @throws Fault `invalid_request` when it is none of ours. */
export function idOfCursor(cursor: string): string {
  const hex = /^[A-Za-z0-9_-]{22}$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('hex') : ''
  const parsed = id.safeParse(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
  if (parsed.success && cursorAfter(parsed.data) === cursor) return parsed.data
  throw new Fault('invalid_request', 'The cursor is none that this server gave out.', {
    field: 'cursor',
    remedy:
      'Pass the value of "next" of the page before, or leave the cursor out to begin at the newest task.',
  })
}
