import type { DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import type { RequestContext } from '../../shared/request-context.ts'
import {
  clockSlackMs,
  clientCancelled,
  deadlineExceeded,
  type IncomingCall,
  type CallInterceptor,
  type CallContext,
} from '../call-interceptor.ts'
import { toConnectError } from './connect-error.ts'
import { mapConnectError } from './map-connect-error.ts'

/** The HTTP request that a call came as. */
export interface HttpRequestInfo {
  readonly notes: RequestContext
  readonly peer: string
  /** The call, once it was let in. */
  visit?: CallContext
}

export const httpRequestKey = createContextKey<HttpRequestInfo | undefined>(undefined)
const visitKey = createContextKey<CallContext | undefined>(undefined)

/**
 * Receives every call at the callInterceptor before anything of its body is read, so that those which never reach their
 * implementation are counted and logged too: messages that are too large or no messages, clients that leave. One that may
 * not be made ends here.
 */
export function createWebInterceptor(callInterceptor: CallInterceptor): (context: HandlerContext) => void {
  const doors = new Map<DescMethod, (arrival: IncomingCall) => CallContext>()
  const doorOf = (method: DescMethod) => {
    const known = doors.get(method)
    if (known) return known
    const door = callInterceptor.door(method)
    doors.set(method, door)
    return door
  }

  return (context) => {
    const carrier = context.values.get(httpRequestKey)
    if (carrier) carrier.notes.isCall = true
    const gone = new AbortController()
    const visit = doorOf(context.method)({
      protocol: context.protocolName === 'grpc-web' ? 'grpc_web' : 'connect',
      headers: context.requestHeader,
      peer: carrier?.peer ?? 'unknown',
      certificate: carrier?.notes.certificate,
      signal: gone.signal,
    })
    if (visit.refusal) {
      visit.ended(visit.refusal)
      throw toConnectError(visit.refusal, visit.requestId)
    }
    context.values.set(visitKey, visit)
    if (carrier) carrier.visit = visit
    context.signal.addEventListener('abort', () => {
      // Also comes after every end.
      if (visit.isOver) return
      const how = told(context, visit) ?? endOf(context)
      gone.abort(how instanceof Fault ? how : undefined)
      if (context.values.get(visitKey) === visit) visit.ended(how)
    })
  }
}

/** The visit of a call, which from now on is ended by whoever asked. */
export function takeContext({ values }: HandlerContext): CallContext {
  const visit = values.get(visitKey)
  if (!visit) throw new Error('The call has not been received.')
  values.delete(visitKey)
  return visit
}

/**
 * The fault of a message that could not be decoded. The library hands its error round before it answers with that very
 * error, so the answer can still be made one of ours: with details, the request id and what to do.
 */
function told({ signal: { reason } }: HandlerContext, { requestId }: CallContext): Fault | undefined {
  const fault = reason instanceof ConnectError ? mapConnectError(reason) : undefined
  if (fault) Object.assign(reason as ConnectError, toConnectError(fault, requestId))
  return fault
}

function endOf({ signal: { reason }, timeoutMs }: HandlerContext): Fault | number {
  if (reason instanceof ConnectError)
    return reason.code === Code.DeadlineExceeded ? deadlineExceeded() : reason.code
  return (timeoutMs() ?? Infinity) <= clockSlackMs ? deadlineExceeded() : clientCancelled()
}
