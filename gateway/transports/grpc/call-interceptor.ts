import type { DescMethod } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Principal } from '@pixelflow/core/principal'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { runWithin } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { needsAccount, requireAccess } from '../../calls/call-runner.ts'
import type { RefusalBudget } from '../../limits/refusal-budget.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import { codeNames, type CallMeters } from '../../metrics/call-meters.ts'
import { chooseRequestId } from '../shared/request-context.ts'
import { startCallSpan, storeTimeoutWithin } from './start-call-span.ts'
import type { CallContext, IncomingCall } from './call-context.ts'
import { createLogRateLimit } from './log-rate-limit.ts'
import { rulesOf, type MethodRules } from './method-rules.ts'

/**
 * Applies the rules that hold for every call of every protocol, as REST applies them to requests: request id,
 * authentication, memory limits, metrics, and one log line.
 */
export interface CallInterceptor {
  /** Returns the function that opens calls of one method. Protocols call this once for each method. */
  forMethod(method: DescMethod): (incoming: IncomingCall) => CallContext
  /** Logs a call of an unknown method. Such calls have no metrics: clients could create any number of series. */
  logUnknownMethod(path: string, call: Pick<IncomingCall, 'protocol' | 'headers' | 'peer'>): void
  readonly activeCalls: number
}

export interface CallInterceptorOptions {
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusalBudget: RefusalBudget
  readonly meters: CallMeters
  readonly storeTimeout: StoreTimeout
  readonly log: Logger
}

/** Memory of an open call without credentials, in bytes. Measured: 15,360 health watches take 260 MB. */
const openCallBytes = 16 * 1024

/** Characters of an unknown method's path that the log keeps. */
const maxPathLength = 200

export function createCallInterceptor({
  authenticator,
  memory,
  refusalBudget,
  meters,
  storeTimeout,
  log,
}: CallInterceptorOptions): CallInterceptor {
  let activeCalls = 0
  const refusedLines = createLogRateLimit((count) => log.info('call log lines suppressed', { count }))

  /** Authenticates by the headers alone. @throws Fault `unauthenticated` or `forbidden`. */
  const authenticate = (access: MethodRules['access'], { headers, certificate }: IncomingCall) => {
    if (access === 'public') authenticator.checkOrigin(headers)
    if (!needsAccount(access)) return undefined
    return authenticator.authenticate(headers, certificate)
  }

  /** The account that pays for the memory of a public call: that of its optional credentials. */
  const accountOf = (
    access: MethodRules['access'],
    { headers, certificate }: IncomingCall,
  ): string | undefined => {
    if (access === 'probe' || (!headers.has('authorization') && !certificate)) return undefined
    try {
      return authenticator.authenticate(headers, certificate).account
    } catch {
      // A public call needs no credentials, so invalid ones do not fail it.
      return undefined
    }
  }

  return {
    forMethod(method) {
      const { access } = rulesOf(method)
      const name = `${method.parent.typeName}/${method.name}`
      const meter = meters(method)
      return (incoming) => {
        const { protocol, headers, peer, signal, goaway } = incoming
        const startedAt = performance.now()
        const requestId = chooseRequestId(headers.get('x-request-id'))
        const span = startCallSpan(method, access, incoming, { requestId, authenticator })
        let principal: Principal | undefined
        let refusal: Fault | undefined
        try {
          principal = authenticate(access, incoming)
          if (principal) requireAccess(principal, access)
        } catch (thrown) {
          refusal = Fault.of(thrown)
        }
        const account = principal ? principal.account : refusal ? undefined : accountOf(access, incoming)
        const charged = { account, peer, isProbe: access === 'probe' }
        const reservation = memory.open(charged)
        if (!principal && !refusal) {
          try {
            reservation.acquire(openCallBytes)
          } catch (thrown) {
            refusal = Fault.of(thrown)
          }
        }
        let responsePosition: string | undefined
        let isEnded = false
        activeCalls += 1
        const streamClosed = meter.start(protocol)
        return {
          requestId,
          traceId: span.context?.traceId,
          idempotencyKey: headers.get('idempotency-key') ?? undefined,
          position: headers.get(positionHeader) ?? undefined,
          recordPosition: (position) => (responsePosition = position),
          get responsePosition() {
            return responsePosition
          },
          signal,
          goaway,
          refusal,
          reservation,
          principal() {
            if (principal) return principal
            throw refusal ?? new Error(`${name} needs no account, so its calls have no principal.`)
          },
          get isEnded() {
            return isEnded
          },
          storeTimeout: storeTimeoutWithin(span, storeTimeout),
          countReceived: meter.countReceived,
          countSent: meter.countSent,
          end(outcome = 0) {
            if (isEnded) return
            isEnded = true
            activeCalls -= 1
            reservation.close()
            const tookMs = performance.now() - startedAt
            const result = deadlineFault(signal) ?? outcome
            const fault = result instanceof Fault ? result : undefined
            if (fault?.row.isRefusal) refusalBudget.count(charged)
            const code = fault ? fault.row.grpc : (result as number)
            meter.end(code, tookMs / 1000)
            streamClosed?.()
            span.set(attributeNames.rpcStatus, code)
            if (fault && fault.row.http >= 500) span.fail(fault)
            span.end()
            if (fault?.code === 'unauthenticated' && !refusedLines.take()) return
            const fields = {
              method: name,
              status: codeNames[code] ?? code,
              ms: Math.round(tookMs * 100) / 100,
              requestId,
              account: principal?.account,
              code: fault?.code,
              protocol,
              peer,
            }
            runWithin(span, () => logCall(log, fields, fault))
          },
        }
      }
    },
    logUnknownMethod(path, { protocol, headers, peer }) {
      if (!refusedLines.take()) return
      const requestId = chooseRequestId(headers.get('x-request-id'))
      const method = path.slice(1, maxPathLength)
      log.info('call', { method, status: 'Unimplemented', ms: 0, requestId, protocol, peer })
    },
    get activeCalls() {
      return activeCalls
    },
  }
}

function logCall(
  log: Logger,
  fields: Readonly<Record<string, unknown>> & { method: string },
  fault?: Fault,
): void {
  if (fault && fault.row.http >= 500) {
    if (fault.row.isExpected) log.info('call', { ...fields, fault })
    else log.error('call failed', { ...fields, fault })
  } else if (fields.method.startsWith('grpc.')) log.debug('call', fields)
  else log.info('call', fields)
}

/** After the deadline the client sees DEADLINE_EXCEEDED, whatever else ends the call. */
function deadlineFault({ aborted, reason }: AbortSignal): Fault | undefined {
  return aborted && reason instanceof Fault && reason.code === 'deadline_exceeded' ? reason : undefined
}
