import type { DescMethod, DescService } from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
} from '@connectrpc/connect'
import type { Fault } from '@pixelflow/core/fault'
import { faultOf, type Desk, type Visit } from '../desk.ts'
import type { Implementation } from '../rpc.ts'
import { statusOf } from '../status.ts'

type Once = (input: unknown, visit: Visit) => Promise<unknown>
type Often = (input: unknown, visit: Visit) => AsyncIterable<unknown>

/** Serves an implementation over Connect and gRPC-Web. */
export function bind<S extends DescService>(
  router: ConnectRouter,
  service: S,
  implementation: Implementation<S>,
  desk: Desk,
): void {
  const methods = implementation as Readonly<Record<string, unknown>>
  const served = service.methods.map((method) => [
    method.localName,
    handlerOf(method, methods[method.localName], desk),
  ])
  router.service(service, Object.fromEntries(served) as ServiceImpl<S>)
}

function handlerOf(method: DescMethod, implemented: unknown, desk: Desk) {
  const name = `${method.parent.typeName}/${method.name}`
  const visitOf = ({ requestHeader: headers, signal }: HandlerContext) =>
    desk.receive({ method: name, headers, signal })

  if (method.methodKind === 'unary' || method.methodKind === 'client_streaming') {
    return async (input: unknown, context: HandlerContext) => {
      const visit = visitOf(context)
      try {
        const sent = await (implemented as Once)(input, visit)
        visit.ended()
        return sent
      } catch (thrown) {
        throw refused(thrown, visit)
      }
    }
  }
  return async function* (input: unknown, context: HandlerContext) {
    const visit = visitOf(context)
    let fault: Fault | undefined
    let isWhole = false
    try {
      yield* (implemented as Often)(input, visit)
      isWhole = true
    } catch (thrown) {
      fault = faultOf(thrown, visit.signal)
      throw errorOf(fault, visit.requestId)
    } finally {
      // Neither thrown nor whole: the client has left.
      visit.ended(fault ?? (isWhole ? undefined : faultOf(visit.signal.reason, AbortSignal.abort())))
    }
  }
}

function refused(thrown: unknown, visit: Visit): ConnectError {
  const fault = faultOf(thrown, visit.signal)
  visit.ended(fault)
  return errorOf(fault, visit.requestId)
}

function errorOf(fault: Fault, requestId: string): ConnectError {
  const error = new ConnectError(fault.message, Code[Code[fault.row.grpc] as keyof typeof Code])
  error.details = statusOf(fault, requestId).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }))
  return error
}
