import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Log } from '@pixelflow/fabric/telemetry/log'
import type { Admission } from '../../accounts/admission.ts'
import type { Call } from './rpc.ts'

export interface Arrival {
  /** `package.Service/Method`. */
  readonly method: string
  /** Metadata in lower case, with the authority as `host`. */
  readonly headers: Headers
  readonly signal: AbortSignal
}

/** A call under way; `ended` is said once. */
export interface Visit extends Call {
  ended(fault?: Fault): void
}

/** Where every call is received, under the same rules as over HTTP: an id, a caller, a line in the log. */
export interface Desk {
  receive(arrival: Arrival): Visit
  /** How many calls are under way. */
  readonly underWay: number
}

export function createDesk(admission: Admission, log: Log): Desk {
  let underWay = 0
  return {
    receive({ method, headers, signal }) {
      const begin = performance.now()
      const requestId = requestIdOf(headers)
      let caller: Principal | undefined
      underWay += 1
      return {
        requestId,
        signal,
        caller: () => (caller ??= admission.principalOf(headers)),
        letIn: () => admission.letIn(headers),
        ended(fault) {
          underWay -= 1
          const ms = Math.round((performance.now() - begin) * 100) / 100
          const status = fault?.row.grpc ?? 0
          note(log, { method, status, ms, requestId, account: caller?.account, code: fault?.code }, fault)
        },
      }
    },
    get underWay() {
      return underWay
    },
  }
}

function note(log: Log, fields: Readonly<Record<string, unknown>> & { method: string }, fault?: Fault): void {
  if (fault && fault.row.http >= 500 && fault.code !== 'unavailable') {
    log.error('call failed', { ...fields, fault })
  } else if (fields.method.startsWith('grpc.')) log.debug('call', fields)
  else log.info('call', fields)
}

/** The call's own id if it brought a harmless one, else a new one. */
function requestIdOf(headers: Headers): string {
  const given = headers.get('x-request-id')
  return given !== null && /^[A-Za-z0-9._:+/=@-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}

/** What a call that was thrown out of ends with: its client's leaving comes before whatever that has caused. */
export function faultOf(thrown: unknown, signal: AbortSignal): Fault {
  if (!signal.aborted || thrown instanceof Fault) return Fault.of(thrown)
  return new Fault('cancelled', 'The call was given up.', { cause: thrown })
}
