import { JetStreamApiError } from '@nats-io/jetstream'
import { PermissionViolationError, RequestError, type NatsConnection } from '@nats-io/nats-core'
import { JetStreamError, toJetStreamError } from './jet-stream-error.ts'
import { ConnectionClosed, NoResponders, Unreachable } from './unreachable.ts'
import { encodeHeaders, type Headers } from './wire/encode-headers.ts'
import type { RawMessage } from './wire/raw-message.ts'
import { createRawRequests, type RawRequests } from './wire/raw-requests.ts'
import { wireOf, type Wire } from './wire/wire.ts'
import { createWriteFailures, type WriteFailures } from '../jetstream/write-failures.ts'

export interface RequestOptions {
  readonly headers?: Headers
  /** Default 5 s. */
  readonly timeoutMs?: number
}

/** One NATS connection that reconnects automatically. Exchanges fail at once when it breaks. */
export interface Broker extends AsyncDisposable {
  readonly nc: NatsConnection
  /** Messages without a copy and without the work of the client library. */
  readonly wire: Wire
  /** Requests over `wire`. */
  readonly rawRequests: RawRequests
  /** Outcomes of the writes over this connection. */
  readonly writeFailures: WriteFailures
  readonly isConnected: boolean
  /**
   * One request, one answer. Bytes must not be changed before it. @throws Unreachable when the connection breaks, or after
   * the timeout.
   */
  request(subject: string, data?: Uint8Array | string, options?: RequestOptions): Promise<RawMessage>
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
    for await (const status of nc.status()) {
      const { type } = status
      if (type === 'disconnect' || type === 'staleConnection') setConnected(false)
      if (type === 'reconnect') setConnected(true)
      if (type === 'error' && status.error instanceof PermissionViolationError)
        rawRequests.refuse(status.error.subject, status.error)
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
      throw toRequestError(what, thrown)
    } finally {
      disconnectCallbacks.delete(onBreak)
    }
  }

  const request = (
    subject: string,
    data: Uint8Array | string,
    { headers, timeoutMs = requestTimeoutMs }: RequestOptions,
  ) =>
    new Promise<RawMessage>((resolve, reject) => {
      const options = { timeoutMs, headers: headers && encodeHeaders(headers) }
      const fail = (reason: unknown) => reject(toRequestError(subject, reason))
      try {
        rawRequests.request(subject, data, options, {
          onReply(message) {
            if (message.isNoResponders) reject(new NoResponders(`no responders for ${subject}`))
            else resolve(message)
            return true
          },
          onError: fail,
        })
      } catch (thrown) {
        fail(thrown)
      }
    })

  return {
    nc,
    wire: wireOf(nc),
    rawRequests,
    writeFailures: createWriteFailures(),
    get isConnected() {
      return isConnected
    },
    request(subject, data = '', options = {}) {
      if (isConnected) return request(subject, data, options)
      return waitUntilConnected(options.timeoutMs ?? requestTimeoutMs).then(() =>
        request(subject, data, options),
      )
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

/** Sorts an error of the client library, or the reason of a failed request: retryable or not. */
export function toRequestError(subject: string, thrown: unknown): Error {
  if (thrown instanceof Unreachable) return thrown
  if (typeof thrown === 'string') return new Unreachable(`${thrown}: ${subject}`)
  const { message, cause } = thrown as Error
  if ([thrown, cause].some((one) => one instanceof RequestError && one.isNoResponders()))
    return new NoResponders(`no responders for ${subject}`)
  if (thrown instanceof JetStreamApiError) return toJetStreamError(thrown.code, thrown.status, message)
  if ([thrown, cause].some((one) => one instanceof PermissionViolationError))
    return new JetStreamError(403, message)
  return new Unreachable(`no answer on ${subject}: ${message}`, { cause: thrown })
}

function addCallback(set: Set<() => void>, callback: () => void): () => void {
  const own = () => callback()
  set.add(own)
  return () => set.delete(own)
}
