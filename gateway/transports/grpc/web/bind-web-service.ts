import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { faultOf, clientCancelled, type CallContext } from '../call-interceptor.ts'
import type { Call, Implementation } from '../rpc.ts'
import { toConnectError } from './connect-error.ts'
import { takeContext } from './web-interceptor.ts'
import { mapConnectError } from './map-connect-error.ts'

type Once = (input: unknown, call: Call) => Promise<unknown>
type Often = (input: unknown, call: Call) => AsyncIterable<unknown>

/** Serves an implementation over Connect and gRPC-Web. */
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

function handlerOf(method: DescMethod, implemented: unknown) {
  const isStreamIn = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming'
  const read = (input: unknown, received: () => void) => {
    if (isStreamIn) return counted(input as AsyncIterable<unknown>, received)
    received()
    return input
  }

  if (method.methodKind === 'unary' || method.methodKind === 'client_streaming') {
    return async (input: unknown, context: HandlerContext) => {
      const visit = takeContext(context)
      try {
        const asked = read(input, visit.received)
        const sent = await visit.storeTimeout.call(() => (implemented as Once)(asked, visit))
        tell(context, visit)
        visit.sent()
        visit.ended()
        return sent
      } catch (thrown) {
        const fault = faultOf(thrown, visit.signal)
        visit.ended(fault)
        throw toConnectError(fault, visit.requestId)
      }
    }
  }
  const isAtOnce = method.methodKind === 'bidi_streaming' && !inTurns.has(method)
  const answers = isAtOnce ? bothWays : (implemented as Often)
  return async function* (input: unknown, context: HandlerContext) {
    const visit = takeContext(context)
    let fault: Fault | undefined
    let isWhole = false
    try {
      for await (const one of visit.storeTimeout.stream(answers(read(input, visit.received), visit))) {
        tell(context, visit)
        visit.sent()
        yield one
      }
      isWhole = true
    } catch (thrown) {
      fault = faultOf(thrown, visit.signal)
      throw toConnectError(fault, visit.requestId)
    } finally {
      // Neither thrown nor whole: the client has left.
      visit.ended(fault ?? (isWhole ? undefined : clientCancelled()))
    }
  }
}

/** Headers go out with the first message; those that are set later go nowhere. */
function tell({ responseHeader }: HandlerContext, { toldPosition }: CallContext): void {
  if (toldPosition !== undefined) responseHeader.set(positionHeader, toldPosition)
}

/** Those with streams in both directions of which the second begins when the first has ended. */
const inTurns: ReadonlySet<DescMethod> = new Set([ImageService.method.processImage])

/** Browsers send all of a request before they read, and HTTP/1.1 promises no more: such a stream would wait for ever. */
// oxlint-disable-next-line require-yield
async function* bothWays(): AsyncGenerator<never, void> {
  throw new Fault('method_not_allowed', 'This call needs streams in both directions at once.', {
    remedy: 'Call it by native gRPC, on the gRPC port; for tuning there is the WebSocket /api/v1/tune, too.',
  })
}

async function* counted<T>(messages: AsyncIterable<T>, count: () => void): AsyncGenerator<T, void> {
  try {
    for await (const one of messages) {
      count()
      yield one
    }
  } catch (thrown) {
    throw (thrown instanceof ConnectError ? mapConnectError(thrown) : undefined) ?? thrown
  }
}
