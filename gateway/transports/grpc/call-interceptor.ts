import type { DescMethod } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Principal } from '@pixelflow/core/principal'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Authenticator, ClientCertificate } from '../../accounts/authenticator.ts'
import type { Refusals } from '../../limits/refusals.ts'
import type { MemoryReservation, RequestMemory } from '../../limits/request-memory.ts'
import { codeNames, type CallMeters, type Protocol } from '../../metrics/call-meters.ts'
import { chooseRequestId } from '../shared/request-context.ts'
import { createLogRateLimit } from './log-rate-limit.ts'
import { rulesOf, type MethodRules } from './method-rules.ts'
import type { Call } from './rpc.ts'

export interface IncomingCall {
  readonly protocol: Protocol
  /** Metadata in lower case, with the authority as `host`. */
  readonly headers: Headers
  /** Who is at the other end of the connection, e.g. `127.0.0.1:50432`. */
  readonly peer: string
  /** What it has shown when it connected, if anything. */
  readonly certificate?: ClientCertificate | undefined
  readonly signal: AbortSignal
  readonly moving?: AbortSignal | undefined
}

/** A call under way. */
export interface CallContext extends Call {
  /** Why the call may not be made. Nothing of its body is to be read then, and it is to end with this. */
  readonly refusal: Fault | undefined
  /** What is held of its messages; closed when it ends. */
  readonly held: MemoryReservation
  /** What the head of the answer is to bring besides, if anything. */
  readonly toldPosition: string | undefined
  /** A message has come. */
  received(): void
  /** A message is leaving. */
  sent(): void
  /** How it ended: well, by a fault, or by a code that was sent without us. The first that is said counts. */
  ended(how?: Fault | number): void
  readonly isOver: boolean
  /** Bounds how long the call waits for the store. */
  readonly storeTimeout: StoreTimeout
}

/**
 * Where every call is received, whichever protocol it comes by, and under the same rules as over HTTP: it gets an id, a
 * caller when it asks for one, its place in the metrics, and one line in the log.
 */
export interface CallInterceptor {
  /** The door for calls of one method; asked once for each. */
  door(method: DescMethod): (arrival: IncomingCall) => CallContext
  /** Notes a call of a method that there is none of; it has no place in the metrics, or clients could make places. */
  unknown(
    path: string,
    { protocol, headers, peer }: Pick<IncomingCall, 'protocol' | 'headers' | 'peer'>,
  ): void
  /** How many calls are under way. */
  readonly underWay: number
}

export interface CallInterceptorNeeds {
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusals: Refusals
  readonly meters: CallMeters
  readonly storeTimeout: StoreTimeout
  readonly log: Logger
}

/** What a call without credentials takes while it is open, in bytes: 15,360 watches of the health took 260 MB. */
const openCallBytes = 16 * 1024

export function createCallInterceptor({
  authenticator,
  memory,
  refusals,
  meters,
  storeTimeout,
  log,
}: CallInterceptorNeeds): CallInterceptor {
  let underWay = 0
  const refusedLines = createLogRateLimit((count) => log.info('call lines left out', { count }))

  /** Demands by the headers alone what the rules of a method want. @throws Fault `unauthenticated` or `forbidden`. */
  const authenticate = (access: MethodRules['access'], { headers, certificate }: IncomingCall) => {
    if (access === 'account') return authenticator.authenticate(headers, certificate)
    if (access === 'anybody') authenticator.checkOrigin(headers)
    return undefined
  }

  /** Whom the memory of a call is charged to: an account also where none is needed, if the call brings credentials. */
  const accountOf = (
    access: MethodRules['access'],
    { headers, certificate }: IncomingCall,
  ): string | undefined => {
    if (access === 'probe' || (!headers.has('authorization') && !certificate)) return undefined
    try {
      return authenticator.authenticate(headers, certificate).account
    } catch {
      // The credentials are not needed, so that they are wrong is not the answer of this call.
      return undefined
    }
  }

  return {
    door(method) {
      const { access } = rulesOf(method)
      const name = `${method.parent.typeName}/${method.name}`
      const meter = meters(method)
      return (arrival) => {
        const { protocol, headers, peer, signal, moving } = arrival
        const begin = performance.now()
        const requestId = chooseRequestId(headers.get('x-request-id'))
        let caller: Principal | undefined
        let refusal: Fault | undefined
        try {
          caller = authenticate(access, arrival)
        } catch (thrown) {
          refusal = Fault.of(thrown)
        }
        const account = caller ? caller.account : refusal ? undefined : accountOf(access, arrival)
        const charged = { account, peer, isProbe: access === 'probe' }
        const held = memory.open(charged)
        if (!caller && !refusal) {
          try {
            held.take(openCallBytes)
          } catch (thrown) {
            refusal = Fault.of(thrown)
          }
        }
        let toldPosition: string | undefined
        let isOver = false
        underWay += 1
        const closed = meter.began(protocol)
        return {
          requestId,
          idempotencyKey: headers.get('idempotency-key') ?? undefined,
          position: headers.get(positionHeader) ?? undefined,
          recordPosition: (position) => (toldPosition = position),
          get toldPosition() {
            return toldPosition
          },
          signal,
          moving,
          refusal,
          held,
          caller() {
            if (caller) return caller
            throw refusal ?? new Error('Calls of this method are made for no account.')
          },
          get isOver() {
            return isOver
          },
          storeTimeout,
          received: meter.received,
          sent: meter.sent,
          ended(how = 0) {
            if (isOver) return
            isOver = true
            underWay -= 1
            held.close()
            const tookMs = performance.now() - begin
            const said = lateness(signal) ?? how
            const fault = said instanceof Fault ? said : undefined
            if (fault?.row.isRefusal) refusals.count(charged)
            const code = fault ? fault.row.grpc : (said as number)
            meter.ended(code, tookMs / 1000)
            closed?.()
            if (fault?.code === 'unauthenticated' && !refusedLines.take()) return
            const ms = Math.round(tookMs * 100) / 100
            const status = codeNames[code] ?? code
            note(
              log,
              {
                method: name,
                status,
                ms,
                requestId,
                account: caller?.account,
                code: fault?.code,
                protocol,
                peer,
              },
              fault,
            )
          },
        }
      }
    },
    unknown(path, { protocol, headers, peer }) {
      if (!refusedLines.take()) return
      const requestId = chooseRequestId(headers.get('x-request-id'))
      const method = path.slice(1, longestName)
      log.info('call', { method, status: 'Unimplemented', ms: 0, requestId, protocol, peer })
    },
    get underWay() {
      return underWay
    },
  }
}

/** What is written of the name of a method that nobody knows. */
const longestName = 200

function note(
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

/** Once the time is over, that is what the client was told, whatever became of the call afterwards. */
function lateness({ aborted, reason }: AbortSignal): Fault | undefined {
  return aborted && reason instanceof Fault && reason.code === 'deadline_exceeded' ? reason : undefined
}

/** What a call that was thrown out of ends with: its client's leaving comes before whatever that has caused. */
export function faultOf(thrown: unknown, signal: AbortSignal): Fault {
  if (!signal.aborted || thrown instanceof Fault) return Fault.of(thrown)
  if (signal.reason instanceof Fault) return signal.reason
  return clientCancelled(thrown)
}

/** What the signal of a call aborts with when its client has left. */
export function clientCancelled(cause?: unknown): Fault {
  return new Fault('cancelled', 'The call was given up.', cause === undefined ? {} : { cause })
}

/** A client whose own clock has come to the deadline leaves by itself, a little before ours gets there. */
export const clockSlackMs = 50

/** What the signal of a call aborts with when its time is over. */
export function deadlineExceeded(): Fault {
  return new Fault('deadline_exceeded', 'The deadline of the call has passed.', {
    remedy: 'Give it more time.',
  })
}
