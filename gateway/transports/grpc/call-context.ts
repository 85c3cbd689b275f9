import { Fault } from '@pixelflow/core/fault'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { ClientCertificate } from '../../accounts/authenticator.ts'
import type { MemoryReservation } from '../../limits/request-memory.ts'
import type { Protocol } from '../../metrics/call-meters.ts'
import type { Call } from './implementation.ts'

/** What is known of a call when its headers have arrived. */
export interface IncomingCall {
  readonly protocol: Protocol
  /** Metadata in lower case, with the authority as `host`. */
  readonly headers: Headers
  /** Address of the client, e.g. `127.0.0.1:50432`. */
  readonly peer: string
  /** The client certificate of the connection, if there is one. */
  readonly certificate?: ClientCertificate | undefined
  readonly signal: AbortSignal
  readonly goaway?: AbortSignal | undefined
}

/** An active call: what its implementation sees, and what the transport reports about it. */
export interface CallContext extends Call {
  /** Undefined where traces are not recorded. */
  readonly traceId: string | undefined
  /** Why the call is refused. The transport then ends the call with this fault and reads no message. */
  readonly refusal: Fault | undefined
  /** Memory charged for the messages of this call; released when the call ends. */
  readonly reservation: MemoryReservation
  /** The position to send in the response headers, if any. */
  readonly responsePosition: string | undefined
  /** Counts a message from the client. */
  countReceived(): void
  /** Counts a message to the client. */
  countSent(): void
  /**
   * Ends the call. The first outcome counts.
   * @param outcome nothing for success, a fault, or the status code that the library has sent
   */
  end(outcome?: Fault | number): void
  readonly isEnded: boolean
  /** Bounds how long the call waits for the store. */
  readonly storeTimeout: StoreTimeout
}

/** The fault that ends a call after an exception. A cancelled call hides the exceptions that the cancellation causes. */
export function toCallFault(thrown: unknown, signal: AbortSignal): Fault {
  if (!signal.aborted || thrown instanceof Fault) return Fault.of(thrown)
  if (signal.reason instanceof Fault) return signal.reason
  return clientCancelled(thrown)
}

/** The signal of a call aborts with this when the client cancels. */
export function clientCancelled(cause?: unknown): Fault {
  return new Fault('cancelled', 'The client cancelled the call.', {
    remedy: 'Make the call again if its result is still needed.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A client that measures the deadline itself cancels a little before the server's timer fires. */
export const clockSlackMs = 50

/** The signal of a call aborts with this when the deadline has passed. */
export function deadlineExceeded(): Fault {
  return new Fault('deadline_exceeded', 'The deadline of the call has passed.', {
    remedy: 'Set a longer deadline.',
  })
}
