import type { Fault } from '@pixelflow/core/fault'
import type { Server } from 'bun'
import type { MemoryReservation, RequestMemory } from '../../limits/request-memory.ts'
import type { ClientCertificate } from '../../accounts/authenticator.ts'

/** State of one HTTP request, for its response and its log line. */
export interface RequestContext {
  readonly id: string
  account?: string
  fault?: Fault
  /** Write position of the account after this request; sent with the response. */
  position?: string | undefined
  /** The request is a gRPC-Web or Connect call, which the call interceptor logs. */
  isCall?: boolean
  /** Memory budget that the body is charged to. */
  memory?: RequestMemory
  reservation?: MemoryReservation
  /** Address of the client, set where a TLS proxy accepted the connection. */
  peer?: string
  certificate?: ClientCertificate | undefined
}

/** The `X-Request-ID` of the client if it is safe to log and to echo, otherwise a new id. */
export function chooseRequestId(given: string | null): string {
  return given !== null && /^[A-Za-z0-9._:+/=@-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}

const contexts = new WeakMap<Request, RequestContext>()

export function requestContextOf(request: Request): RequestContext {
  const known = contexts.get(request)
  if (known) return known
  const created = { id: chooseRequestId(request.headers.get('x-request-id')) }
  contexts.set(request, created)
  return created
}

/** The memory reservation for the body of a request. Call it after authentication, which decides who is charged. */
export function reservationOf(request: Request): MemoryReservation {
  const context = requestContextOf(request)
  const { account, peer = 'unknown', memory } = context
  if (!memory) throw new Error('The request did not pass the request middleware.')
  return (context.reservation ??= memory.open({ account, peer }))
}

/** The path of a request, without its query. */
export function pathOf({ url }: Request): string {
  const begin = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', begin)
  return begin < 0 ? url : url.slice(begin, end < 0 ? undefined : end)
}

/** Address and port of the client. */
export function peerOf(request: Request, server: Server<unknown> | null): string {
  // Behind the TLS proxy the connection itself has the address of the proxy.
  const known = requestContextOf(request).peer
  if (known !== undefined) return known
  const found = server?.requestIP(request)
  return found ? `${found.address}:${found.port}` : 'unknown'
}
