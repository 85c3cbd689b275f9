import { JetStreamApiError } from '@nats-io/jetstream'
import {
  PermissionViolationError,
  RequestError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { createRawRequests, type Lane } from './wire/raw-requests.ts'
import { createWriteFailures, type WriteFailures } from '../jetstream/write-failures.ts'

/** No answer: the connection is gone, the broker is starting, or it is too busy. Another try may succeed. */
export class Unreachable extends Error {
  override readonly name: string = 'Unreachable'
}

/** No answer, ever: we have closed the connection ourselves. */
export class ConnectionClosed extends Unreachable {
  override readonly name = 'Closed'
}

/** The disks of the broker have no room for more. Another server may have some, or somebody may make some. */
export class StorageFull extends Unreachable {
  override readonly name = 'Full'
}

/** JetStream said no. `code` is its own error code, e.g. 10071 for a wrong last sequence. */
export class JetStreamError extends Error {
  override readonly name = 'Refused'
  readonly code: number

  constructor(code: number, description: string) {
    super(`${description} (${code})`)
    this.code = code
  }
}

export const wrongLastSequence = 10071
/** In a cluster: somebody else's message for that subject is being agreed on, and nobody knows yet what will be last. */
const lastSequenceUndecided = 10164
export const storeFailed = 10077
const insufficientResources = 10023
export const noMessage = 10037
export const noSuchSequence = 10043
export const notRemoved = 10057
export const streamNotFound = 10059
export const streamNameTaken = 10058
export const consumerNotFound = 10014
export const consumerExists = 10148

/** No answer because nobody listens: no JetStream, no such stream, or one that is just starting. */
export class NoResponders extends Unreachable {
  override readonly name = 'Nobody'
}

/** What a failed exchange with the broker means to those outside. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (thrown instanceof StorageFull) {
    return new Fault('storage_failed', 'The store has no room left.', {
      remedy: 'Try again later; whoever operates it has to make room.',
      cause: thrown,
      retryAfterMs: 5000,
    })
  }
  if (thrown instanceof Unreachable) {
    return new Fault('unavailable', 'The store does not answer just now.', {
      remedy: 'Try again in a moment.',
      cause: thrown,
      retryAfterMs: 1000,
    })
  }
  return new Fault('storage_failed', 'The store could not do what was asked of it.', {
    remedy: 'Try again; if it fails again, whoever operates the server finds the reason in its log.',
    cause: thrown,
  })
}

export interface RequestOptions {
  readonly headers?: MsgHdrs
  /** Default 5 s. */
  readonly timeoutMs?: number
}

/** One connection to NATS that comes back by itself, and knows when it is away. */
export interface Broker extends AsyncDisposable {
  readonly nc: NatsConnection
  /** For content, both ways. */
  readonly lane: Lane
  /** What became of the writes over this connection. */
  readonly writeFailures: WriteFailures
  readonly connected: boolean
  /** One request, one answer. @throws Unreachable at once when the connection breaks, or after the timeout. */
  request(subject: string, data?: Uint8Array | string, options?: RequestOptions): Promise<Msg>
  /** Any other exchange with the broker, under the same rules; `what` names it in errors. */
  exchange<T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T>
  /** Resolves when connected; @throws Unreachable when that takes longer than `withinMs`. */
  up(withinMs: number): Promise<void>
  /** Calls back each time the connection breaks; returns the function that stops it. */
  onDown(heard: () => void): () => void
  /** Calls back each time the connection is back; returns the function that stops it. */
  onUp(heard: () => void): () => void
}

const requestTimeoutMs = 5000

/** Wraps a connection; owns it from now on. */
export function createBroker(nc: NatsConnection): Broker {
  const lane = createRawRequests(nc)
  let connected = true
  const down = new Set<() => void>()
  const up = new Set<() => void>()
  const turn = (state: boolean) => {
    if (connected === state) return
    connected = state
    if (!state) lane.break()
    for (const heard of state ? up : down) heard()
  }
  // The client library drops what it was given while away and lets requests time out: this lets them fail at once.
  const observe = async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'staleConnection') turn(false)
      if (type === 'reconnect') turn(true)
    }
    turn(false)
  }
  observe().catch(() => turn(false))

  const whenUp = (withinMs: number): Promise<void> => {
    if (connected) return Promise.resolve()
    if (nc.isClosed()) return Promise.reject(new ConnectionClosed('the connection was closed'))
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        up.delete(done)
        resolve()
      }
      const timer = setTimeout(() => {
        up.delete(done)
        reject(new Unreachable(`no connection within ${withinMs} ms`))
      }, withinMs)
      up.add(done)
    })
  }

  const exchange = async <T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T> => {
    if (!connected) await whenUp(timeoutMs)
    const broken = Promise.withResolvers<never>()
    const breaks = () => broken.reject(new Unreachable('the connection broke while waiting for an answer'))
    down.add(breaks)
    try {
      return await Promise.race([work(), broken.promise])
    } catch (thrown) {
      throw troubleOf(what, thrown)
    } finally {
      down.delete(breaks)
    }
  }

  return {
    nc,
    lane,
    writeFailures: createWriteFailures(),
    get connected() {
      return connected
    },
    request(subject, data, { headers, timeoutMs = requestTimeoutMs } = {}) {
      const options = headers ? { timeout: timeoutMs, headers } : { timeout: timeoutMs }
      return exchange(subject, timeoutMs, () => nc.request(subject, data, options))
    },
    exchange,
    up: whenUp,
    onDown: (heard) => listen(down, heard),
    onUp: (heard) => listen(up, heard),
    async [Symbol.asyncDispose]() {
      await nc.drain().catch(() => nc.close())
    },
  }
}

/** What the client library's error means: worth another try, or not. */
function troubleOf(subject: string, thrown: unknown): Error {
  if (thrown instanceof Unreachable) return thrown
  const { message, cause } = thrown as Error
  if ([thrown, cause].some((one) => one instanceof RequestError && one.isNoResponders()))
    return new NoResponders(`nobody answers ${subject}`)
  if (thrown instanceof JetStreamApiError) return refusal(thrown.code, thrown.status, message)
  if ([thrown, cause].some((one) => one instanceof PermissionViolationError)) return new JetStreamError(403, message)
  return new Unreachable(`no answer on ${subject}: ${message}`, { cause: thrown })
}

/** JetStream's no. Its 503 says "not now" (no leader, starting, overloaded), but it is also how a full stream answers. */
export function refusal(code: number, status: number, description: string): JetStreamError | Unreachable {
  if (code === insufficientResources) return new StorageFull(`${description} (${code})`)
  const isNotYet = code === lastSequenceUndecided || (status === 503 && code !== storeFailed)
  if (isNotYet) return new Unreachable(`${description} (${code})`)
  return new JetStreamError(code, description)
}

/** What every answer of JetStream's interface may hold. */
export interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** The answer, unless it is a no. @throws Refused, or Unreachable when the no means "not now". */
export function accepted<A extends ApiAnswer>(answer: A): A {
  const { error } = answer
  if (error) throw refusal(error.err_code ?? error.code, error.code, error.description ?? 'refused')
  return answer
}

function listen(set: Set<() => void>, heard: () => void): () => void {
  const own = () => heard()
  set.add(own)
  return () => set.delete(own)
}
