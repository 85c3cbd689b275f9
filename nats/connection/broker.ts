import { JetStreamApiError } from '@nats-io/jetstream'
import {
  PermissionViolationError,
  RequestError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { createRawRequests, type RawRequests } from './wire/raw-requests.ts'
import { createWriteFailures, type WriteFailures } from '../jetstream/write-failures.ts'

/** No answer: the connection is lost, the broker is starting, or it is overloaded. Retryable. */
export class Unreachable extends Error {
  override readonly name: string = 'Unreachable'
}

/** This process has closed the connection. Not retryable. */
export class ConnectionClosed extends Unreachable {
  override readonly name = 'ConnectionClosed'
}

/** The server's storage is full. Retryable: another server may take over, or space may be freed. */
export class StorageFull extends Unreachable {
  override readonly name = 'StorageFull'
}

/** JetStream rejected the request. `code` is its error code, e.g. 10071 for a wrong last sequence. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError'
  readonly code: number

  constructor(code: number, description: string) {
    super(`${description} (${code})`)
    this.code = code
  }
}

export const wrongLastSequence = 10071
/** In a cluster: another message for the subject is in the consensus round, so its last sequence is unknown. */
const lastSequenceUndecided = 10164
const storeFailed = 10077
const insufficientResources = 10023
export const noMessage = 10037
export const noSuchSequence = 10043
export const messageNotRemoved = 10057
export const streamNotFound = 10059
export const streamNameTaken = 10058
export const consumerNotFound = 10014
export const consumerExists = 10148

/** Whether a stream that rejects new messages when it is full did not store one. */
export function isStoreFailure(thrown: unknown): boolean {
  return thrown instanceof JetStreamError && thrown.code === storeFailed
}

/** The subject has no subscriber: JetStream is disabled, the stream does not exist, or it is starting. */
export class NoResponders extends Unreachable {
  override readonly name = 'NoResponders'
}

/** The public fault for a failed exchange with the broker. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (thrown instanceof StorageFull) {
    return new Fault('storage_failed', 'The store is full.', {
      remedy: 'Try again later. An operator has to free disk space or raise the storage limit.',
      cause: thrown,
      retryAfterMs: 5000,
    })
  }
  if (thrown instanceof Unreachable) {
    return new Fault('unavailable', 'The store does not answer.', {
      remedy: 'Try again in a moment.',
      cause: thrown,
      retryAfterMs: 1000,
    })
  }
  return new Fault('storage_failed', 'The store rejected a request.', {
    remedy: 'Try again. If it persists, report the request id; the log has the reason.',
    cause: thrown,
  })
}

export interface RequestOptions {
  readonly headers?: MsgHdrs
  /** Default 5 s. */
  readonly timeoutMs?: number
}

/** One NATS connection that reconnects automatically. Exchanges fail at once when it breaks. */
export interface Broker extends AsyncDisposable {
  readonly nc: NatsConnection
  /** Requests whose content is not copied. */
  readonly rawRequests: RawRequests
  /** Outcomes of the writes over this connection. */
  readonly writeFailures: WriteFailures
  readonly isConnected: boolean
  /** One request, one answer. @throws Unreachable when the connection breaks, or after the timeout. */
  request(subject: string, data?: Uint8Array | string, options?: RequestOptions): Promise<Msg>
  /** Runs any other exchange with the broker under the same rules; errors contain `what`. */
  exchange<T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T>
  /** @throws Unreachable when there is no connection after `timeoutMs`. */
  waitUntilConnected(timeoutMs: number): Promise<void>
  /** Calls back each time the connection breaks; returns a function that unsubscribes. */
  onDisconnect(callback: () => void): () => void
  /** Calls back each time the connection is restored; returns a function that unsubscribes. */
  onReconnect(callback: () => void): () => void
}

const requestTimeoutMs = 5000

/** Wraps a connection and takes ownership of it. */
export function createBroker(nc: NatsConnection): Broker {
  const rawRequests = createRawRequests(nc)
  let isConnected = true
  const disconnectCallbacks = new Set<() => void>()
  const reconnectCallbacks = new Set<() => void>()
  const setConnected = (state: boolean) => {
    if (isConnected === state) return
    isConnected = state
    if (!state) rawRequests.failAll()
    for (const callback of state ? reconnectCallbacks : disconnectCallbacks) callback()
  }
  // While disconnected the client library drops messages and lets requests time out; this makes them fail at once.
  const observe = async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'staleConnection') setConnected(false)
      if (type === 'reconnect') setConnected(true)
    }
    setConnected(false)
  }
  observe().catch(() => setConnected(false))

  const waitUntilConnected = (timeoutMs: number): Promise<void> => {
    if (isConnected) return Promise.resolve()
    if (nc.isClosed()) return Promise.reject(new ConnectionClosed('the connection was closed'))
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        reconnectCallbacks.delete(done)
        resolve()
      }
      const timer = setTimeout(() => {
        reconnectCallbacks.delete(done)
        reject(new Unreachable(`no connection within ${timeoutMs} ms`))
      }, timeoutMs)
      reconnectCallbacks.add(done)
    })
  }

  const exchange = async <T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T> => {
    if (!isConnected) await waitUntilConnected(timeoutMs)
    const broken = Promise.withResolvers<never>()
    const onBreak = () => broken.reject(new Unreachable('the connection broke while waiting for an answer'))
    disconnectCallbacks.add(onBreak)
    try {
      return await Promise.race([work(), broken.promise])
    } catch (thrown) {
      throw translateError(what, thrown)
    } finally {
      disconnectCallbacks.delete(onBreak)
    }
  }

  return {
    nc,
    rawRequests,
    writeFailures: createWriteFailures(),
    get isConnected() {
      return isConnected
    },
    request(subject, data, { headers, timeoutMs = requestTimeoutMs } = {}) {
      const options = headers ? { timeout: timeoutMs, headers } : { timeout: timeoutMs }
      return exchange(subject, timeoutMs, () => nc.request(subject, data, options))
    },
    exchange,
    waitUntilConnected,
    onDisconnect: (callback) => addCallback(disconnectCallbacks, callback),
    onReconnect: (callback) => addCallback(reconnectCallbacks, callback),
    async [Symbol.asyncDispose]() {
      await nc.drain().catch(() => nc.close())
    },
  }
}

/** Sorts an error of the client library: retryable or not. */
function translateError(subject: string, thrown: unknown): Error {
  if (thrown instanceof Unreachable) return thrown
  const { message, cause } = thrown as Error
  if ([thrown, cause].some((one) => one instanceof RequestError && one.isNoResponders()))
    return new NoResponders(`no responders for ${subject}`)
  if (thrown instanceof JetStreamApiError) return toJetStreamError(thrown.code, thrown.status, message)
  if ([thrown, cause].some((one) => one instanceof PermissionViolationError))
    return new JetStreamError(403, message)
  return new Unreachable(`no answer on ${subject}: ${message}`, { cause: thrown })
}

/** A 503 of JetStream means not yet (no leader, starting, overloaded), except that a full stream answers with it too. */
export function toJetStreamError(
  code: number,
  status: number,
  description: string,
): JetStreamError | Unreachable {
  if (code === insufficientResources) return new StorageFull(`${description} (${code})`)
  const isNotYet = code === lastSequenceUndecided || (status === 503 && code !== storeFailed)
  if (isNotYet) return new Unreachable(`${description} (${code})`)
  return new JetStreamError(code, description)
}

/** The part that all answers of the JetStream API share. */
export interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** Returns an answer that is not an error. @throws JetStreamError, or Unreachable for a retryable error. */
export function assertSuccess<A extends ApiAnswer>(answer: A): A {
  const { error } = answer
  if (error) throw toJetStreamError(error.err_code ?? error.code, error.code, error.description ?? 'rejected')
  return answer
}

function addCallback(set: Set<() => void>, callback: () => void): () => void {
  const own = () => callback()
  set.add(own)
  return () => set.delete(own)
}
