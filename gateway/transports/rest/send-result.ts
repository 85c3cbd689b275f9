import type { CallResult, UnaryCall } from '../../calls/declare-call.ts'
import { requestContextOf } from '../shared/request-context.ts'

/** The response to a successful call. Elysia sends a value as JSON. */
export function sendResult(
  { output, response }: UnaryCall,
  request: Request,
  { value, position, replayed }: CallResult<unknown>,
): unknown {
  requestContextOf(request).position = position
  if (output === null) return new Response(null, { status: 204 })
  if (response.status === undefined) return value
  return createdResponse(response.status, response.location?.(value), value, replayed)
}

/** The response to a call that created a resource. `replayed` marks the repeated response to an idempotent call. */
export function createdResponse(
  status: 201 | 202,
  location: string | undefined,
  view: unknown,
  replayed = false,
): Response {
  const headers = {
    ...(location === undefined ? {} : { location }),
    ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
  }
  return Response.json(view, { status, headers })
}
