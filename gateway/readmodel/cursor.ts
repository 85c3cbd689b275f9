import { Fault } from '@pixelflow/core/fault'
import { id } from '@pixelflow/core/image'
import { shorten } from '@pixelflow/core/shorten'

/** A cursor is the id of the last item of a page, encoded so that clients treat it as opaque. */
export function cursorAfter(taskId: string): string {
  return Buffer.from(taskId.replaceAll('-', ''), 'hex').toString('base64url')
}

/** The task id in a cursor. @throws Fault `invalid_request` for an invalid cursor. */
export function idOfCursor(cursor: string): string {
  const hex = /^[A-Za-z0-9_-]{22}$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('hex') : ''
  const parsed = id.safeParse(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
  if (parsed.success && cursorAfter(parsed.data) === cursor) return parsed.data
  throw new Fault('invalid_request', `Cursor "${shorten(cursor)}" is invalid.`, {
    field: 'cursor',
    remedy:
      'Send the value of "next" of the previous page, or leave the cursor out to start with the newest task.',
  })
}
