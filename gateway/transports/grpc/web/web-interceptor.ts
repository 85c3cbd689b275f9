import type { DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import type { RequestContext } from '../../shared/request-context.ts'
import {
  clientCancelled,
  clockSlackMs,
  deadlineExceeded,
  type CallContext,
  type IncomingCall,
} from '../call-context.ts'
import type { CallInterceptor } from '../call-interceptor.ts'
import { toConnectError } from './to-connect-error.ts'
import { mapConnectError } from './map-connect-error.ts'

/** The HTTP request of a call. */
export interface HttpRequestInfo {
  readonly request: RequestContext
  readonly peer: string
  /** The call, once it is accepted. */
  call?: CallContext
}

export const httpRequestKey = createContextKey<HttpRequestInfo | undefined>(undefined)
const callKey = createContextKey<CallContext | undefined>(undefined)

/**
 * Opens a call context on the headers of each call, before anything of the body is read. Calls that never reach their
 * implementation (too large or undecodable messages, cancellations) are therefore counted and logged too. A refused call
 * ends here. The returned function is the `requestGate` of the connect-es router.
 */
export function createWebInterceptor(callInterceptor: CallInterceptor): (context: HandlerContext) => void {
  const openers = new Map<DescMethod, (incoming: IncomingCall) => CallContext>()
  const openerOf = (method: DescMethod) => {
    const known = openers.get(method)
    if (known) return known
    const opener = callInterceptor.forMethod(method)
    openers.set(method, opener)
    return opener
  }

  return (context) => {
    const info = context.values.get(httpRequestKey)
    if (info) info.request.isCall = true
    const cancelled = new AbortController()
    const call = openerOf(context.method)({
      protocol: context.protocolName === 'grpc-web' ? 'grpc_web' : 'connect',
      headers: context.requestHeader,
      peer: info?.peer ?? 'unknown',
      certificate: info?.request.certificate,
      signal: cancelled.signal,
    })
    if (call.refusal) {
      call.end(call.refusal)
      throw toConnectError(call.refusal, call)
    }
    context.values.set(callKey, call)
    if (info) info.call = call
    context.signal.addEventListener('abort', () => {
      // connect-es also aborts the signal after every normal end.
      if (call.isEnded) return
      const outcome = replaceDecodeError(context, call) ?? outcomeOf(context)
      cancelled.abort(outcome instanceof Fault ? outcome : undefined)
      if (context.values.get(callKey) === call) call.end(outcome)
    })
  }
}

/** Takes the context of a call. The implementation that takes it must end it. */
export function takeContext({ values }: HandlerContext): CallContext {
  const call = values.get(callKey)
  if (!call) throw new Error('The call has no context: the interceptor has not seen its headers.')
  values.delete(callKey)
  return call
}

/**
 * Turns the error of connect-es for an undecodable message into a fault with details, request id and remedy.
 *
 * connect-es has no hook for this error, and no upstream issue is known. It aborts the signal with the same error object that
 * it sends, so changing the object changes the response. `values.test.ts` fails when this no longer holds.
 */
function replaceDecodeError({ signal: { reason } }: HandlerContext, call: CallContext): Fault | undefined {
  const fault = reason instanceof ConnectError ? mapConnectError(reason) : undefined
  if (fault) Object.assign(reason as ConnectError, toConnectError(fault, call))
  return fault
}

function outcomeOf({ signal: { reason }, timeoutMs }: HandlerContext): Fault | number {
  if (reason instanceof ConnectError) {
    return reason.code === Code.DeadlineExceeded ? deadlineExceeded() : reason.code
  }
  return (timeoutMs() ?? Infinity) <= clockSlackMs ? deadlineExceeded() : clientCancelled()
}
