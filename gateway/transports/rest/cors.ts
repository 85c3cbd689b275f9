import { cors as connect } from '@connectrpc/connect'
import { positionHeader } from '@pixelflow/core/position'
import type { RouteTable } from './route-table.ts'
import { pathOf } from '../shared/request-context.ts'

/** Pages of other origins that may call from a browser, as `https://app.example`; `*` is every page. */
export type AllowedOrigins = ReadonlySet<string>

/** Headers that scripts may send, for all that is spoken on the HTTP port. */
const sent = [
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

/** Headers of answers that scripts may read. */
const exposed = [
  ...connect.exposedHeaders,
  'X-Request-Id',
  'Location',
  'ETag',
  'Content-Length',
  'Content-Range',
  'Content-Disposition',
  'Accept-Ranges',
  'Preference-Applied',
  'Idempotency-Replayed',
  positionHeader,
  'Retry-After',
  'WWW-Authenticate',
  'Allow',
].join(', ')

/** Browsers keep the answer for so long, and Chromium for no longer. */
const keepSeconds = '7200'

/** Cross-origin resource sharing: what lets pages of other origins read our answers. */
export interface CorsPolicy {
  /** The answer to a browser that asks whether a page may; undefined for all other requests. */
  preflight(request: Request): Response | undefined
  /** Puts on an answer what lets the page that asked read it. */
  admit(request: Request, response: Response): void
}

/**
 * Nothing in it lets a browser send what it knows by itself (cookies, client certificates): a page has to have a token,
 * or to be on this machine where there are none.
 */
export function createCorsPolicy(pages: AllowedOrigins, routes: RouteTable): CorsPolicy {
  const isAny = pages.has('*')
  const admitted = (request: Request): string | undefined => {
    const origin = request.headers.get('origin')
    if (origin === null) return undefined
    if (isAny) return '*'
    return pages.has(origin.toLowerCase()) ? origin : undefined
  }

  return {
    preflight(request) {
      if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method'))
        return undefined
      const methods = routes.methodsOf(pathOf(request))
      if (methods.length === 0 || admitted(request) === undefined) return undefined
      const headers = new Headers({
        'access-control-allow-methods': methods.join(', '),
        'access-control-allow-headers': sent,
        'access-control-max-age': keepSeconds,
      })
      // A page on the internet that calls a server of this network or machine.
      if (request.headers.get('access-control-request-private-network') === 'true') {
        headers.set('access-control-allow-private-network', 'true')
      }
      return new Response(null, { status: 204, headers })
    },
    admit(request, { headers }) {
      const origin = admitted(request)
      // What is kept for one page must not be shown to another.
      if (!isAny) headers.append('vary', 'Origin')
      if (origin === undefined) return
      headers.set('access-control-allow-origin', origin)
      if (request.method !== 'OPTIONS') headers.set('access-control-expose-headers', exposed)
    },
  }
}
