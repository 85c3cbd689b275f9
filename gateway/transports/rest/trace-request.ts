import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { inSpan, isTracing } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { findCallerSpan } from '../shared/find-caller-span.ts'
import { pathOf, requestContextOf } from '../shared/request-context.ts'

/** Runs a request within a span. Pages, probes and scrapes have none, and calls of gRPC-Web and Connect have their own. */
export function traceRequest(
  request: Request,
  {
    templateOf,
    authenticator,
  }: { templateOf: (path: string) => string | undefined; authenticator: Authenticator },
  work: () => Promise<Response>,
): Promise<Response> {
  if (!isTracing()) return work()
  const path = pathOf(request)
  if (!path.startsWith('/api/')) return work()
  const { method, headers } = request
  const route = templateOf(path)
  const options = {
    kind: 'server',
    parent: findCallerSpan(headers, requestContextOf(request).certificate, authenticator),
    attributes: {
      [attributeNames.httpMethod]: method,
      [attributeNames.httpRoute]: route,
      [attributeNames.requestId]: requestContextOf(request).id,
    },
  } as const
  return inSpan(`${method} ${route ?? 'unknown path'}`, options, async (span) => {
    const response = await work()
    span.set(attributeNames.httpStatus, response.status)
    const { fault } = requestContextOf(request)
    if (fault && response.status >= 500) span.fail(fault)
    return response
  })
}
