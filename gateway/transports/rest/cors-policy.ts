import { cors as connect } from '@connectrpc/connect'
import { positionHeader } from '@pixelflow/core/position'
import type { RouteTable } from './route-table.ts'
import { pathOf } from '../shared/request-context.ts'

/** Origins whose pages may call from a browser, such as `https://app.example`; `*` is every origin. */
export type AllowedOrigins = ReadonlySet<string>

/** Request headers that scripts may send, for every protocol of the HTTP port. */
const allowedHeaders = [
  ...connect.allowedHeaders,
  'Authorization',
  'X-Request-Id',
  'Prefer',
  'Idempotency-Key',
  positionHeader,
  'Last-Event-ID',
  'Range',
  'If-Range',
  'If-Match',
  'If-None-Match',
].join(', ')

/** Response headers that scripts may read. */
const exposedHeaders = [
  ...connect.exposedHeaders,
  'X-Request-Id',
  'Location',
  'ETag',
  'Content-Length',
  'Content-Range',
  'Content-Disposition',
  'Accept-Ranges',
  'Preference-Applied',
  'Idempotent-Replayed',
  positionHeader,
  'Retry-After',
  'WWW-Authenticate',
  'Allow',
].join(', ')

/** How long browsers cache a preflight response. Chromium's maximum. */
const maxAgeSeconds = '7200'

/** Cross-origin resource sharing (CORS): lets pages of other origins call and read responses. */
export interface CorsPolicy {
  /** The response to a preflight request; undefined for every other request. */
  preflight(request: Request): Response | undefined
  /** Adds the CORS headers to a response. */
  addHeaders(request: Request, response: Response): void
}

/**
 * Credentials that a browser sends automatically (cookies, client certificates) are not allowed: a page of another origin
 * needs a token, or, without tokens, has to run on this machine.
 */
export function createCorsPolicy(allowedOrigins: AllowedOrigins, routes: RouteTable): CorsPolicy {
  const isAny = allowedOrigins.has('*')
  const allowedOrigin = (request: Request): string | undefined => {
    const origin = request.headers.get('origin')
    if (origin === null) return undefined
    if (isAny) return '*'
    return allowedOrigins.has(origin.toLowerCase()) ? origin : undefined
  }

  return {
    preflight(request) {
      if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method'))
        return undefined
      const methods = routes.methodsOf(pathOf(request))
      if (methods.length === 0 || allowedOrigin(request) === undefined) return undefined
      const headers = new Headers({
        'access-control-allow-methods': methods.join(', '),
        'access-control-allow-headers': allowedHeaders,
        'access-control-max-age': maxAgeSeconds,
      })
      // Private Network Access: a public page calls a server of this network or machine.
      if (request.headers.get('access-control-request-private-network') === 'true') {
        headers.set('access-control-allow-private-network', 'true')
      }
      return new Response(null, { status: 204, headers })
    },
    addHeaders(request, { headers }) {
      const origin = allowedOrigin(request)
      // Caches must not serve the response of one origin to another.
      if (!isAny) headers.append('vary', 'Origin')
      if (origin === undefined) return
      headers.set('access-control-allow-origin', origin)
      if (request.method !== 'OPTIONS') headers.set('access-control-expose-headers', exposedHeaders)
    },
  }
}
