import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Server } from 'bun'
import { Elysia } from 'elysia'
import type { Authenticator, ClientCertificate } from '../../accounts/authenticator.ts'
import type { Refusals } from '../../limits/refusals.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { RequestMeter } from '../../metrics/request-meter.ts'
import type { CorsPolicy } from './cors.ts'
import { requestContextOf, pathOf, peerOf } from '../shared/request-context.ts'
import { problemResponse } from './problem-response.ts'
import type { RouteTable } from './route-table.ts'

type Answer = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

export interface RequestMiddlewareOptions {
  readonly requestMeter: RequestMeter
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusals: Refusals
  /** Bounds how long each request waits for the store. */
  readonly storeTimeout: StoreTimeout
  readonly routes: RouteTable
  /** Undefined where no page of another origin may call. */
  readonly cors: CorsPolicy | undefined
  /** The server, once it listens. */
  readonly server: () => Server<unknown> | null
  readonly log: Logger
}

/**
 * Around everything: gives each request its id and its time for the store, each answer its id and the headers that every
 * one has, counts it, and writes one line for each. By `wrap`, which costs nothing; a trace hook would copy every stream.
 */
export function requestMiddleware(needs: RequestMiddlewareOptions) {
  const { requestMeter, memory, refusals, storeTimeout, routes, cors, server, log } = needs
  return new Elysia({ name: 'requests' }).wrap((answer) => {
    const inner = answer as unknown as Answer
    const outer: Answer = async (request, ...rest) => {
      const begin = performance.now()
      requestMeter.began()
      const notes = requestContextOf(request)
      notes.memory = memory
      const refusal = refusals.isAnySpent ? refusedAtOnce(request, needs) : undefined
      const response = refusal
        ? problemResponse(request, refusal)
        : (cors?.preflight(request) ?? (await storeTimeout.call(() => answered(inner, request, rest))))
      notes.held?.close()
      cors?.admit(request, response)
      const { id, position } = notes
      response.headers.set('x-request-id', id)
      if (position !== undefined) response.headers.set(positionHeader, position)
      response.headers.set('x-content-type-options', 'nosniff')
      const tookMs = performance.now() - begin
      const { method } = request
      requestMeter.ended(method, routes.templateOf(pathOf(request)), response.status, tookMs / 1000)
      if (refusal || notes.isCall) return response
      const { fault, account } = notes
      if (fault?.row.isRefusal) refusals.count({ account, peer: peerOf(request, server()) })
      note(log, request, response.status, tookMs, server())
      return response
    }
    return outer
  })
}

/** What has a body is refused, of callers whose calls were refused too often; what is only read costs little anyway. */
function refusedAtOnce(
  request: Request,
  { authenticator, refusals, server }: RequestMiddlewareOptions,
): Fault | undefined {
  if (!writes.has(request.method)) return undefined
  return refusals.earlyRefusal({
    account: accountOf(request, authenticator, requestContextOf(request).certificate),
    peer: peerOf(request, server()),
  })
}

const writes: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

function accountOf({ headers }: Request, authenticator: Authenticator, certificate?: ClientCertificate) {
  if (authenticator.auth === 'token' && !certificate && !headers.has('authorization')) return undefined
  try {
    return authenticator.authenticate(headers, certificate).account
  } catch {
    return undefined
  }
}

async function answered(inner: Answer, request: Request, rest: unknown[]): Promise<Response> {
  try {
    // Without a Host, Bun knows the path only, and the router would look for the path elsewhere.
    if (request.url.startsWith('/')) throw noHost()
    if (request.url.includes('%')) requireUtf8(pathOf(request))
    return await inner(request, ...rest)
  } catch (thrown) {
    return problemResponse(request, Fault.of(thrown))
  }
}

/** Routers differ in what they make of other bytes: a character that means nothing, or an error. */
function requireUtf8(path: string): void {
  try {
    decodeURIComponent(path)
  } catch (cause) {
    throw new Fault('invalid_request', 'The path has a percent sequence that is not UTF-8.', {
      cause,
      remedy: 'Encode the path as UTF-8 before percent-encoding it.',
    })
  }
}

function noHost(): Fault {
  return new Fault('invalid_request', 'The request has no Host header.', {
    field: 'Host',
    remedy: 'Send one.',
  })
}

function note(
  log: Logger,
  request: Request,
  status: number,
  ms: number,
  server: Server<unknown> | null,
): void {
  const { id: requestId, account, fault, peer: known } = requestContextOf(request)
  // Asking for the address costs as much as a tenth of a small answer: only where it says something.
  const isPlain = status < 400 && (request.method === 'GET' || request.method === 'HEAD')
  const peer = known ?? (isPlain ? undefined : peerOf(request, server))
  const path = pathOf(request)
  const fields = {
    method: request.method,
    path,
    status,
    ms: Math.round(ms * 100) / 100,
    requestId,
    account,
    code: fault?.code,
    peer,
  }
  if (status >= 500 && fault) {
    if (fault.row.isExpected) log.info('request', { ...fields, fault })
    else log.error('request failed', { ...fields, fault })
  } else if (isRoutine(request, path, status)) log.debug('request', fields)
  else log.info('request', fields)
}

/** What machines ask over and over, and browsers before what they ask. */
function isRoutine({ method }: Request, path: string, status: number): boolean {
  if (method === 'OPTIONS') return status === 204
  return path.startsWith('/health') || (path === '/metrics' && status === 200)
}
