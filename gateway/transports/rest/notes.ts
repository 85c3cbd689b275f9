import type { Fault } from '@pixelflow/core/fault'

/** What is known of a request besides itself, for its answer and its line in the log. */
export interface RequestNotes {
  readonly id: string
  account?: string
  fault?: Fault
}

/** The request's own id if it brought a harmless one, else a new one. */
function idOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && /^[A-Za-z0-9._:+/=@-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}

const notes = new WeakMap<Request, RequestNotes>()

export function notesOf(request: Request): RequestNotes {
  const known = notes.get(request)
  if (known) return known
  const fresh = { id: idOf(request) }
  notes.set(request, fresh)
  return fresh
}

/** The path of a request, without its query. */
export function pathOf({ url }: Request): string {
  const begin = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', begin)
  return begin < 0 ? url : url.slice(begin, end < 0 ? undefined : end)
}
