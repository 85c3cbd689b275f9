import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import { positionHeader } from '@pixelflow/core/position'
import { shorten } from '@pixelflow/core/shorten'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import type { Server } from 'bun'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import * as calls from '../../calls/calls.gen.ts'
import {
  isJsonCall,
  type CallDeclaration,
  type CallerInfo,
  type HttpBinding,
  type UnaryCall,
} from '../../calls/declare-call.ts'
import { maxRequestBytes } from '../../calls/max-request-bytes.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import { parseIdempotencyKey } from '../../idempotency/idempotency-key.ts'
import { mediaTypeOf, readJson } from '../shared/read-body.ts'
import { authenticate } from '../shared/authenticate.ts'
import { requestContextOf } from '../shared/request-context.ts'
import type { CallHandler, FormHandler, StreamHandlers } from './call-handler.ts'
import { createInputReader, inputFieldsOf, type InputReader } from './input-reader.ts'
import { sendJsonResult, sendResult } from './send-result.ts'
import { startIdleTimeout } from './start-idle-timeout.ts'

export interface CallRouteOptions {
  readonly runner: CallRunner
  readonly authenticator: Authenticator
  readonly handlers: StreamHandlers
  /** For calls that also take a form, by name of the call. */
  readonly forms: Readonly<Record<string, FormHandler>>
  readonly uploadIdleTimeoutMs: number
}

/** What Elysia gives a handler. */
interface Incoming {
  readonly request: Request
  readonly server: Server<unknown> | null
  readonly params: Readonly<Record<string, string>>
}

/** The routes of all declared calls, with what holds for each: credentials, scope, input, and the form of the response. */
export function callRoutes(options: CallRouteOptions) {
  const app = new Elysia({ name: 'calls' })
  for (const call of Object.values(calls) as CallDeclaration[]) {
    if (call.http === undefined) continue
    const handle = handlerOf(call, options)
    if (handle === undefined) continue
    const respond = createResponder(call, handle, options.authenticator)
    for (const method of methodsOf(call.http))
      app.route(
        method,
        toRoute(call.http.path),
        ({ request, server, params }) => respond({ request, server, params }),
        {
          parse: 'none',
        },
      )
  }
  return app
}

type Handle = (incoming: Incoming, who: Principal, context: CallerInfo) => unknown

function createResponder(call: CallDeclaration, handle: Handle, authenticator: Authenticator) {
  return (incoming: Incoming): unknown => {
    const { request } = incoming
    // The caller and its scope are checked before any of the body is read.
    const who = authenticate(call.access, request, authenticator)
    const idempotencyKey = request.headers.get('idempotency-key') ?? undefined
    if (call.creates && idempotencyKey !== undefined) parseIdempotencyKey(idempotencyKey)
    return handle(incoming, who, {
      requestId: requestContextOf(request).id,
      idempotencyKey,
      position: request.headers.get(positionHeader) ?? undefined,
    })
  }
}

/** Undefined for a call that another module serves. */
function handlerOf(call: CallDeclaration, options: CallRouteOptions): Handle | undefined {
  const reader = createInputReader(call)
  if (call.kind === 'unary') return unaryHandler(call, reader, options)
  const handler = (options.handlers as Readonly<Record<string, CallHandler | undefined>>)[call.name]
  if (handler === undefined) return undefined
  return ({ request, server, params }, who, context) =>
    handler({ request, server, who, input: reader.read(request, params), context })
}

function unaryHandler(
  call: UnaryCall,
  reader: InputReader,
  { runner, forms, uploadIdleTimeoutMs }: CallRouteOptions,
): Handle {
  if (isJsonCall(call)) {
    return async ({ request, params }, who, context) =>
      sendJsonResult(request, await runner.runToJson(call, who, reader.read(request, params), context))
  }
  if (call.http.body === undefined) {
    return async ({ request, params }, who, context) =>
      sendResult(call, request, await runner.run(call, who, reader.read(request, params), context))
  }
  const form = forms[call.name]
  return async ({ request, server, params }, who, context) => {
    reader.checkQuery(request)
    const mediaType = mediaTypeOf(request)
    if (form && mediaType === 'multipart/form-data')
      return form.handle({ request, server, who, input: {}, context })
    if (mediaType !== 'application/json') throw unsupportedContentType(call, mediaType, form)
    const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
    const body = await readJson(request, idleTimeout, maxRequestBytes[call.limits ?? 'json'])
    return sendResult(call, request, await runner.run(call, who, reader.read(request, params, body), context))
  }
}

/** `/api/v1/tasks/{id}` in the notation of the router: `/api/v1/tasks/:id`. */
function toRoute(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

function methodsOf({ method, head }: HttpBinding): readonly string[] {
  return head ? [method, 'HEAD'] : [method]
}

function unsupportedContentType(call: CallDeclaration, mediaType: string | null, form?: FormHandler): Fault {
  const problem =
    mediaType === null
      ? 'Content-Type is missing.'
      : `Content-Type ${shorten(mediaType, 100)} is not supported.`
  const { required = [] } = toJsonSchema(call.input)
  const fields = inputFieldsOf(call).body.filter((name) => required.includes(name))
  const orForm = form ? `, or the parts ${form.parts.join(' and ')} as multipart/form-data` : ''
  return new Fault('unsupported_format', problem, {
    field: 'Content-Type',
    remedy: `Send {${fields.map((name) => `"${name}"`).join(', ')}} as application/json${orForm}.`,
  })
}
