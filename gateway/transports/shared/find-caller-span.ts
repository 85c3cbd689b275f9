import {
  parseTraceparent,
  traceparentHeader,
  type TraceContext,
} from '@pixelflow/platform/telemetry/tracing/trace-context'
import type { Authenticator, ClientCertificate } from '../../accounts/authenticator.ts'

/**
 * The span of the caller, from the header `traceparent`. Undefined without valid credentials: such a caller must not choose the
 * id of a trace, and not whether it is sent to the collector.
 */
export function findCallerSpan(
  headers: Headers,
  certificate: ClientCertificate | undefined,
  authenticator: Authenticator,
): TraceContext | undefined {
  const parent = parseTraceparent(headers.get(traceparentHeader))
  if (parent === undefined) return undefined
  try {
    authenticator.authenticate(headers, certificate)
    return parent
  } catch {
    // The call itself reports invalid credentials, if it needs any.
    return undefined
  }
}
