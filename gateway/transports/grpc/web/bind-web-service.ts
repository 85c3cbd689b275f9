import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { clientCancelled, toCallFault, type CallContext } from '../call-context.ts'
import type { Call, Implementation } from '../implementation.ts'
import { toConnectError } from './to-connect-error.ts'
import { takeContext } from './web-interceptor.ts'
import { mapConnectError } from './map-connect-error.ts'

type UnaryFunction = (input: unknown, call: Call) => Promise<unknown>
type StreamFunction = (input: unknown, call: Call) => AsyncIterable<unknown>

/** Registers an implementation with a connect-es router. */
export function bindWebService<S extends DescService>(
  router: ConnectRouter,
  service: S,
  implementation: Implementation<S>,
): void {
  const methods = implementation as Readonly<Record<string, unknown>>
  const served = service.methods.map((method) => [
    method.localName,
    handlerOf(method, methods[method.localName]),
  ])
  router.service(service, Object.fromEntries(served) as ServiceImpl<S>)
}

/** Whether requests and responses of a method must flow at the same time, which HTTP requests of browsers cannot do. */
export function needsFullDuplex(method: DescMethod): boolean {
  return method.methodKind === 'bidi_streaming' && !halfDuplex.has(method)
}

export const fullDuplexRemedy =
  'Use native gRPC on the gRPC port. For tuning, the WebSocket /api/v1/tune is an alternative.'

function handlerOf(method: DescMethod, implemented: unknown) {
  const isStreamIn = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming'
  const read = (input: unknown, received: () => void) => {
    if (isStreamIn) return countMessages(input as AsyncIterable<unknown>, received)
    received()
    return input
  }

  if (method.methodKind === 'unary' || method.methodKind === 'client_streaming') {
    return async (input: unknown, context: HandlerContext) => {
      const call = takeContext(context)
      try {
        const request = read(input, call.countReceived)
        const sent = await call.storeTimeout.call(() => (implemented as UnaryFunction)(request, call))
        setPositionHeader(context, call)
        call.countSent()
        call.end()
        return sent
      } catch (thrown) {
        const fault = toCallFault(thrown, call.signal)
        call.end(fault)
        throw toConnectError(fault, call)
      }
    }
  }
  const respond = needsFullDuplex(method) ? refuseFullDuplex : (implemented as StreamFunction)
  return async function* (input: unknown, context: HandlerContext) {
    const call = takeContext(context)
    let fault: Fault | undefined
    let isComplete = false
    try {
      for await (const one of call.storeTimeout.stream(respond(read(input, call.countReceived), call))) {
        setPositionHeader(context, call)
        call.countSent()
        yield one
      }
      isComplete = true
    } catch (thrown) {
      fault = toCallFault(thrown, call.signal)
      throw toConnectError(fault, call)
    } finally {
      // Neither complete nor failed: connect-es has stopped the iteration because the client has disconnected.
      call.end(fault ?? (isComplete ? undefined : clientCancelled()))
    }
  }
}

/** connect-es sends the headers with the first message, so later changes have no effect. */
function setPositionHeader({ responseHeader }: HandlerContext, { responsePosition }: CallContext): void {
  if (responsePosition !== undefined) responseHeader.set(positionHeader, responsePosition)
}

/** Bidirectional methods that respond only after the request stream has ended. */
const halfDuplex: ReadonlySet<DescMethod> = new Set([ImageService.method.processImage])

/** Browsers send the whole request before they read the response, so a full-duplex call would never end. */
// oxlint-disable-next-line require-yield
async function* refuseFullDuplex(): AsyncGenerator<never, void> {
  throw new Fault('method_not_allowed', 'This method needs streams in both directions at once.', {
    remedy: fullDuplexRemedy,
  })
}

async function* countMessages<T>(messages: AsyncIterable<T>, count: () => void): AsyncGenerator<T, void> {
  try {
    for await (const one of messages) {
      count()
      yield one
    }
  } catch (thrown) {
    throw (thrown instanceof ConnectError ? mapConnectError(thrown) : undefined) ?? thrown
  }
}
