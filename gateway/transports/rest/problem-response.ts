import type { Problem } from '@pixelflow/core/problem'
import type { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import { currentTraceId } from '@pixelflow/platform/telemetry/tracing/tracing'
import { translateField, type RequestField } from '../../request-field.ts'
import { requestContextOf } from '../shared/request-context.ts'

/** The headers of HTTP. */
export const httpFields: Readonly<Record<RequestField, string>> = {
  '@authorization': 'Authorization',
  '@fetch_site': 'Sec-Fetch-Site',
  '@host': 'Host',
  '@idempotency_key': 'Idempotency-Key',
  '@media_type': 'Content-Type',
  '@origin': 'Origin',
  '@position': positionHeader,
  '@sha256': 'sha256',
}

/** A fault as a problem+json response (RFC 9457). The cause is not sent. */
export function problemResponse(
  request: Request,
  fault: Fault,
  headers: Record<string, string> = {},
): Response {
  const context = requestContextOf(request)
  context.fault = fault
  const { http, title } = fault.row
  const { field, remedy, retryAfterMs } = fault.hints
  const traceId = currentTraceId()
  const body: Problem = {
    type: `/docs/problems#${fault.code}`,
    title,
    status: http,
    code: fault.code,
    detail: fault.message,
    requestId: context.id,
    ...(traceId === undefined ? {} : { traceId }),
    ...(field === undefined ? {} : { field: translateField(field, httpFields) }),
    remedy,
  }
  return new Response(`${JSON.stringify(body)}\n`, {
    status: http,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(http === 401 ? { 'www-authenticate': 'Bearer realm="pixelflow"' } : {}),
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
      ...headers,
    },
  })
}
