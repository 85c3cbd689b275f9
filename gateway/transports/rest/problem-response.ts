import type { Problem } from '@pixelflow/core/problem'
import type { Fault } from '@pixelflow/core/fault'
import { requestContextOf } from '../shared/request-context.ts'

/** Names that HTTP has for fields of a fault. Other fields have the same name everywhere. */
const httpFields: ReadonlyMap<string, string> = new Map([
  ['media_type', 'Content-Type'],
  ['authorization', 'Authorization'],
  ['host', 'Host'],
])

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
  const body: Problem = {
    type: `/docs/problems#${fault.code}`,
    title,
    status: http,
    code: fault.code,
    detail: fault.message,
    requestId: context.id,
    ...(field === undefined ? {} : { field: httpFields.get(field) ?? field }),
    ...(remedy === undefined ? {} : { remedy }),
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
