import type { CallResult, UnaryCall } from '../../calls/declare-call.ts'
import { requestContextOf } from '../shared/request-context.ts'
import { sendJson, sendText } from './send-text.ts'
import { compressStatic, sendStatic, type StaticFile } from './static-file.ts'

/** The response to a successful call. */
export function sendResult(
  { output, response }: UnaryCall,
  request: Request,
  { value, position, replayed }: CallResult<unknown>,
): unknown {
  requestContextOf(request).position = position
  if (output === null) return new Response(null, { status: 204 })
  if (response.isConstant) return sendConstant(request, value as object)
  if (response.status === undefined) return sendJson(request, value)
  return createdResponse(response.status, response.location?.(value), value, replayed)
}

/** The response to a call whose output is JSON already. */
export function sendJsonResult(request: Request, { value, position }: CallResult<string>): Response {
  requestContextOf(request).position = position
  return sendText(request, value, { headers: { 'content-type': 'application/json' } })
}

/**
 * The response to a call that created a resource: an image or a queued task, too small to compress. `replayed` marks the
 * repeated response to an idempotent call.
 */
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

/** The files of values that never change. A call returns the same object each time. */
const files = new WeakMap<object, Promise<StaticFile>>()

async function sendConstant(request: Request, value: object): Promise<Response> {
  let file = files.get(value)
  if (file === undefined) {
    file = compressStatic('application/json', JSON.stringify(value))
    files.set(value, file)
    file.catch(() => files.delete(value))
  }
  return sendStatic(request, await file, { 'cache-control': 'no-cache' })
}
