import type { Fault } from '@pixelflow/core/fault'
import type { Server } from 'bun'
import type { MemoryReservation, RequestMemory } from '../../limits/request-memory.ts'
import type { ClientCertificate } from '../../accounts/authenticator.ts'

/** What is known of a request besides itself, for its answer and its line in the log. */
export interface RequestContext {
  readonly id: string
  account?: string
  fault?: Fault
  /** How far the log had come with what was done; goes out with the answer. */
  position?: string | undefined
  /** It was a call of gRPC-Web or Connect, and its line is written where calls are received. */
  isCall?: boolean
  /** Where what is held of its body is counted. */
  memory?: RequestMemory
  held?: MemoryReservation
  /** Who is at the other end of the connection, where it has come by TLS. */
  peer?: string
  /** What that client has shown. */
  certificate?: ClientCertificate | undefined
}

/** The id that a caller brought if it is a harmless one, else a new one. */
export function chooseRequestId(given: string | null): string {
  return given !== null && /^[A-Za-z0-9._:+/=@-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}

const notes = new WeakMap<Request, RequestContext>()

export function requestContextOf(request: Request): RequestContext {
  const known = notes.get(request)
  if (known) return known
  const fresh = { id: chooseRequestId(request.headers.get('x-request-id')) }
  notes.set(request, fresh)
  return fresh
}

/** What is held of a request's body; to be asked for once it is known whose it is. */
export function heldBytesOf(request: Request): MemoryReservation {
  const notes = requestContextOf(request)
  const { account, peer = 'unknown', memory } = notes
  if (!memory) throw new Error('The request has not been received.')
  return (notes.held ??= memory.open({ account, peer }))
}

/** The path of a request, without its query. */
export function pathOf({ url }: Request): string {
  const begin = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', begin)
  return begin < 0 ? url : url.slice(begin, end < 0 ? undefined : end)
}

/** Who is at the other end of the connection. */
export function peerOf(request: Request, server: Server<unknown> | null): string {
  // Where TLS stands in front, the connection itself comes from there.
  const known = requestContextOf(request).peer
  if (known !== undefined) return known
  const found = server?.requestIP(request)
  return found ? `${found.address}:${found.port}` : 'unknown'
}
