import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { positionHeader } from '@pixelflow/core/position'
import { Metadata, type CallOptions as GrpcCallOptions, type Client as Channel } from '@grpc/grpc-js'
import type { CreateOptions } from '../client.ts'
import { withToken, type Credentials } from '../credentials.ts'
import { deadlineError } from '../pixelflow-error.ts'
import { createPositionTracker, type PositionTracker } from '../position-tracker.ts'
import { withTimeout } from '../retry-call.ts'
import { mapGrpcError } from './map-grpc-error.ts'
import { retryInterrupted } from './retry-interrupted.ts'

/** A method descriptor with the types of its request and response. */
export type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O }

/** Typed calls on a channel. Aborting the caller's signal cancels the call. */
export interface GrpcCaller {
  /** Address for error messages, as given by the user. */
  readonly address: string
  readonly positions: PositionTracker
  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CreateOptions,
  ): Promise<MessageShape<O>>
  /** A server-streaming call with backpressure; leaving the loop cancels it. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<MessageShape<O>, void>
  /** A bidirectional streaming call with backpressure in both directions; leaving the loop cancels it. */
  bidiStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    requests: () => AsyncIterable<MessageInitShape<I>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<MessageShape<O>, void>
  /** A client-streaming call with backpressure. */
  clientStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    requests: () => AsyncIterable<MessageInitShape<I>>,
    options?: CreateOptions,
  ): Promise<MessageShape<O>>
}

export interface GrpcCallerOptions {
  readonly channel: Channel
  readonly address: string
  readonly credentials: Credentials
  readonly traceparent: (() => string | undefined) | undefined
  /** Default timeout of a unary call, in milliseconds. */
  readonly timeoutMs: number
}

export function createGrpcCaller({
  channel,
  address,
  credentials,
  traceparent,
  timeoutMs: defaultTimeoutMs,
}: GrpcCallerOptions): GrpcCaller {
  const positions = createPositionTracker()

  /** Converts gRPC errors to `PixelflowError`; throws the signal's reason after an abort. */
  async function withMappedErrors<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (thrown) {
      signal?.throwIfAborted()
      throw mapGrpcError(thrown, address)
    }
  }

  /** Yields the responses of a call with backpressure. Waits for the first one to detect a rejected token. */
  async function* readResponses<T>(
    signal: AbortSignal | undefined,
    open: (token: string | null) => ResponseStream<T>,
  ): AsyncGenerator<T, void> {
    signal?.throwIfAborted()
    let cancel = () => {}
    const onAbort = () => cancel()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const { responses, first } = await withToken(credentials, async (token) => {
        const call = open(token)
        // Without this listener, an error after the caller has left the loop would be an uncaught exception.
        call.on('error', () => {})
        call.on('metadata', (metadata: Metadata) => recordPosition(positions, metadata))
        cancel = () => call.cancel()
        const responses = call.iterator({ destroyOnReturn: false })
        return { responses, first: await withMappedErrors(signal, () => responses.next()) }
      })
      let result = first
      while (result.done !== true) {
        yield result.value
        result = await withMappedErrors(signal, () => responses.next())
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      cancel()
    }
  }

  return {
    address,
    positions,
    unary: (method, request, { signal: callerSignal, timeoutMs = defaultTimeoutMs, idempotencyKey } = {}) =>
      withTimeout({ signal: callerSignal, timeoutMs }, (signal) =>
        withToken(credentials, (token) =>
          // The server ignores the position in writes.
          positions.read((position) =>
            withMappedErrors(signal, () => {
              const metadata = createMetadata(token, traceparent?.(), idempotencyKey)
              for (const [name, value] of Object.entries(position)) metadata.set(name, value)
              const path = toMethodPath(method)
              return retryInterrupted(path, (onResponse) => {
                const { promise, resolve, reject } =
                  Promise.withResolvers<MessageShape<typeof method.output>>()
                const call = channel.makeUnaryRequest(
                  path,
                  createEncoder(method.input),
                  createDecoder(method.output),
                  create(method.input, request),
                  metadata,
                  toDeadlineOptions(timeoutMs),
                  (error, response) =>
                    response ? resolve(response) : reject(error ?? deadlineError(timeoutMs)),
                )
                call.on('metadata', (metadata: Metadata) => {
                  onResponse()
                  recordPosition(positions, metadata)
                })
                return cancelOnAbort(promise, signal, () => call.cancel())
              })
            }),
          ),
        ),
      ),

    serverStream: (method, request, signal) =>
      readResponses(signal, (token) =>
        channel.makeServerStreamRequest(
          toMethodPath(method),
          createEncoder(method.input),
          createDecoder(method.output),
          create(method.input, request),
          createMetadata(token, traceparent?.()),
        ),
      ),

    bidiStream: (method, requests, signal) =>
      readResponses(signal, (token) => {
        const call = channel.makeBidiStreamRequest(
          toMethodPath(method),
          createEncoder(method.input),
          createDecoder(method.output),
          createMetadata(token, traceparent?.()),
        )
        const ended = new Promise<void>((resolve) => {
          call.once('end', resolve).once('error', () => resolve())
        })
        const isEnded = new AbortController()
        void ended.then(() => isEnded.abort())
        send(call, method.input, requests(), isEnded.signal, ended).catch((thrown: unknown) => {
          call.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
          call.cancel()
        })
        return call
      }),

    clientStream: (method, requests, options = {}) =>
      withTimeout(options, (signal) =>
        withToken(credentials, (token) =>
          withMappedErrors(signal, async () => {
            const { promise, resolve, reject } = Promise.withResolvers<MessageShape<typeof method.output>>()
            const call = channel.makeClientStreamRequest(
              toMethodPath(method),
              createEncoder(method.input),
              createDecoder(method.output),
              createMetadata(token, traceparent?.(), options.idempotencyKey),
              toDeadlineOptions(options.timeoutMs),
              (error, response) => (response ? resolve(response) : reject(error)),
            )
            call.on('error', () => {})
            const isEnded = new AbortController()
            const ended = promise.then(
              () => isEnded.abort(),
              () => isEnded.abort(),
            )
            send(call, method.input, requests(), isEnded.signal, ended).catch((thrown: unknown) => {
              call.cancel()
              reject(thrown)
            })
            try {
              return await cancelOnAbort(promise, signal, () => call.cancel())
            } finally {
              isEnded.abort()
            }
          }),
        ),
      ),
  }
}

/** The part of a call with streamed responses that is used. */
interface ResponseStream<T> {
  on(event: 'error', listener: () => void): unknown
  on(event: 'metadata', listener: (metadata: Metadata) => void): unknown
  cancel(): void
  iterator(options: { destroyOnReturn: boolean }): { next(): Promise<IteratorResult<T, unknown>> }
}

/** The part of a call with streamed requests that is used. */
interface RequestStream {
  write(message: unknown): boolean
  end(): unknown
  once(event: 'drain', listener: () => void): unknown
}

/**
 * Writes messages with backpressure. Stops when the server responds early: `isEnded` is then aborted, and `ended`
 * resolved.
 */
async function send<I extends DescMessage>(
  call: RequestStream,
  schema: I,
  requests: AsyncIterable<MessageInitShape<I>>,
  isEnded: AbortSignal,
  ended: Promise<void>,
): Promise<void> {
  const iterator = requests[Symbol.asyncIterator]()
  try {
    while (!isEnded.aborted) {
      const next = await Promise.race([iterator.next(), ended])
      if (next === undefined || next.done === true) break
      if (call.write(create(schema, next.value))) continue
      const { promise: drained, resolve } = Promise.withResolvers<void>()
      call.once('drain', resolve)
      await Promise.race([drained, ended])
    }
    if (!isEnded.aborted) call.end()
  } finally {
    // Not awaited: a blocked iterator must not delay a completed call.
    void iterator.return?.()?.catch(() => {})
  }
}

/** Waits for a call and cancels it when the signal aborts. */
async function cancelOnAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  cancel: () => void,
): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function recordPosition(positions: PositionTracker, metadata: Metadata): void {
  const [position] = metadata.get(positionHeader)
  if (typeof position === 'string') positions.record(position)
}

function createMetadata(token: string | null, traceparent?: string, idempotencyKey?: string): Metadata {
  const metadata = new Metadata()
  if (traceparent !== undefined) metadata.set('traceparent', traceparent)
  if (idempotencyKey !== undefined) metadata.set('idempotency-key', idempotencyKey)
  if (token !== null) metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

function toDeadlineOptions(timeoutMs: number | undefined): GrpcCallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

const toMethodPath = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`

function createEncoder<I extends DescMessage>(schema: I): (message: MessageShape<I>) => Buffer {
  return (message) => {
    const { buffer, byteOffset, byteLength } = toBinary(schema, message)
    return Buffer.from(buffer, byteOffset, byteLength)
  }
}

function createDecoder<O extends DescMessage>(schema: O): (bytes: Buffer) => MessageShape<O> {
  return (bytes) => fromBinary(schema, bytes)
}
