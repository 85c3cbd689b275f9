import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Server } from 'bun'
import { Elysia } from 'elysia'
import type { Authenticator, ClientCertificate } from '../../accounts/authenticator.ts'
import type { RefusalBudget } from '../../limits/refusal-budget.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { RequestMeter } from '../../metrics/request-meter.ts'
import type { CorsPolicy } from './cors-policy.ts'
import { requestContextOf, pathOf, peerOf } from '../shared/request-context.ts'
import { problemResponse } from './problem-response.ts'
import type { RouteTable } from './route-table.ts'
import { traceRequest } from './trace-request.ts'

type Handler = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

export interface RequestMiddlewareOptions {
  readonly requestMeter: RequestMeter
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusalBudget: RefusalBudget
  /** Limits how long each request waits for the store. */
  readonly storeTimeout: StoreTimeout
  readonly routes: RouteTable
  /** Undefined when no other origin may call. */
  readonly cors: CorsPolicy | undefined
  /** The server, once it listens. */
  readonly server: () => Server<unknown> | null
  readonly log: Logger
}

/**
 * Wraps every request: request id, store timeout, common response headers, metrics and one log line. Uses Elysia's
 * `wrap`, because its trace hook would copy every stream.
 */
export function requestMiddleware(options: RequestMiddlewareOptions) {
  const { requestMeter, authenticator, memory, refusalBudget, storeTimeout, routes, cors, server, log } =
    options
  const tracing = { templateOf: routes.templateOf, authenticator }
  return new Elysia({ name: 'requests' }).wrap((handler) => {
    const inner = handler as unknown as Handler
    const outer = async (request: Request, rest: unknown[]): Promise<Response> => {
      const startedAt = performance.now()
      requestMeter.start()
      const context = requestContextOf(request)
      context.memory = memory
      const refusal = refusalBudget.isAnySpent ? refuseEarly(request, options) : undefined
      const response = refusal
        ? problemResponse(request, refusal)
        : (cors?.preflight(request) ?? (await storeTimeout.call(() => respond(inner, request, rest))))
      context.reservation?.close()
      cors?.addHeaders(request, response)
      const { id, position } = context
      response.headers.set('x-request-id', id)
      if (position !== undefined) response.headers.set(positionHeader, position)
      response.headers.set('x-content-type-options', 'nosniff')
      const tookMs = performance.now() - startedAt
      const { method } = request
      requestMeter.end(method, routes.templateOf(pathOf(request)), response.status, tookMs / 1000)
      if (refusal || context.isCall) return response
      const { fault, account } = context
      if (fault?.row.isRefusal) refusalBudget.count({ account, peer: peerOf(request, server()) })
      logRequest(log, request, response.status, tookMs, server())
      return response
    }
    const traced: Handler = (request, ...rest) => traceRequest(request, tracing, () => outer(request, rest))
    return traced
  })
}

/** Refuses requests with a body of callers whose calls were refused too often. Reads cost little and are served. */
function refuseEarly(
  request: Request,
  { authenticator, refusalBudget, server }: RequestMiddlewareOptions,
): Fault | undefined {
  if (!methodsWithBody.has(request.method)) return undefined
  return refusalBudget.earlyRefusal({
    account: accountOf(request, authenticator, requestContextOf(request).certificate),
    peer: peerOf(request, server()),
  })
}

const methodsWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

function accountOf({ headers }: Request, authenticator: Authenticator, certificate?: ClientCertificate) {
  if (authenticator.auth === 'token' && !certificate && !headers.has('authorization')) return undefined
  try {
    return authenticator.authenticate(headers, certificate).account
  } catch {
    return undefined
  }
}

async function respond(inner: Handler, request: Request, rest: unknown[]): Promise<Response> {
  try {
    // Without a Host header, Bun gives only the path as URL, and the router would misread it.
    if (request.url.startsWith('/')) throw missingHost()
    if (request.url.includes('%')) requireUtf8(pathOf(request))
    return await inner(request, ...rest)
  } catch (thrown) {
    return problemResponse(request, Fault.of(thrown))
  }
}

/** Routers decode other bytes differently: to a replacement character, or to an error. */
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

function missingHost(): Fault {
  return new Fault('invalid_request', 'The request has no Host header.', {
    field: 'Host',
    remedy: 'Send a Host header.',
  })
}

function logRequest(
  log: Logger,
  request: Request,
  status: number,
  ms: number,
  server: Server<unknown> | null,
): void {
  const { id: requestId, account, fault, peer: known } = requestContextOf(request)
  // Reading the address costs a tenth of a small response, so successful reads are logged without it.
  const isSuccessfulRead = status < 400 && (request.method === 'GET' || request.method === 'HEAD')
  const peer = known ?? (isSuccessfulRead ? undefined : peerOf(request, server))
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

/** Probes, scrapes and preflight requests: frequent and uninteresting, so logged at debug level. */
function isRoutine({ method }: Request, path: string, status: number): boolean {
  if (method === 'OPTIONS') return status === 204
  return path.startsWith('/health') || (path === '/metrics' && status === 200)
}
