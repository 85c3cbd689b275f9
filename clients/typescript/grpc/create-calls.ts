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
import { deadlineError } from '../pixelflow-error.ts'
import { withTimeout } from '../retry-call.ts'
import { createWritePositions, type WritePositions } from '../write-positions.ts'
import { withToken, type Credentials } from '../credentials.ts'
import { mapGrpcError } from './map-grpc-error.ts'

/** A method descriptor with the types of its request and response. */
export type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O }

/** Typed calls on a channel. Aborting the caller's signal cancels the call. */
export interface Calls {
  readonly positions: WritePositions
  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CreateOptions,
  ): Promise<MessageShape<O>>
  /** A server-streaming call with backpressure; leaving the loop cancels it. */
  down<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<MessageShape<O>, void>
  /** A bidirectional streaming call with backpressure in both directions; leaving the loop cancels it. */
  both<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    requests: () => AsyncIterable<MessageInitShape<I>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<MessageShape<O>, void>
  /** A client-streaming call with backpressure. */
  up<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    requests: () => AsyncIterable<MessageInitShape<I>>,
    options?: CreateOptions,
  ): Promise<MessageShape<O>>
}

export interface CallsOptions {
  readonly channel: Channel
  /** Address for error messages, as given by the caller. */
  readonly address: string
  readonly credentials: Credentials
  /** Default timeout of a unary call, in milliseconds. */
  readonly timeoutMs: number
}

export function createCalls({ channel, address, credentials, timeoutMs: usualMs }: CallsOptions): Calls {
  const positions = createWritePositions()
  const named = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (thrown) {
      signal?.throwIfAborted()
      throw mapGrpcError(thrown, address)
    }
  }

  /** Yields the messages of a call with backpressure. Waits for the first one to detect a rejected token. */
  async function* messagesOf<T>(
    signal: AbortSignal | undefined,
    open: (token: string | null) => Down<T>,
  ): AsyncGenerator<T, void> {
    signal?.throwIfAborted()
    let leave = () => {}
    const end = () => leave()
    signal?.addEventListener('abort', end, { once: true })
    try {
      const { messages, first } = await withToken(credentials, async (token) => {
        const call = open(token)
        // Without this listener, an error after the caller has left the loop would be an uncaught exception.
        call.on('error', () => {})
        call.on('metadata', (head: Metadata) => recordPosition(positions, head))
        leave = () => call.cancel()
        const messages: Messages<T> = call.iterator({ destroyOnReturn: false })
        return { messages, first: await named(signal, () => messages.next()) }
      })
      for (let next = first; next.done !== true; next = await named(signal, () => messages.next()))
        yield next.value
    } finally {
      signal?.removeEventListener('abort', end)
      leave()
    }
  }

  return {
    positions,
    unary: (method, request, { signal: asked, timeoutMs = usualMs, idempotencyKey } = {}) =>
      withTimeout({ signal: asked, timeoutMs }, (signal) =>
        withToken(credentials, (token) =>
          // Writes ignore the position.
          positions.read((position) =>
            named(signal, () => {
              const { promise, resolve, reject } = Promise.withResolvers<MessageShape<typeof method.output>>()
              const metadata = metadataOf(token, idempotencyKey)
              for (const [name, value] of Object.entries(position)) metadata.set(name, value)
              const call = channel.makeUnaryRequest(
                pathOf(method),
                encoder(method.input),
                decoder(method.output),
                create(method.input, request),
                metadata,
                limits(timeoutMs),
                (error, answer) => (answer ? resolve(answer) : reject(error ?? deadlineError(timeoutMs))),
              )
              call.on('metadata', (head: Metadata) => recordPosition(positions, head))
              return untilAborted(promise, signal, () => call.cancel())
            }),
          ),
        ),
      ),

    down: (method, request, signal) =>
      messagesOf(signal, (token) =>
        channel.makeServerStreamRequest(
          pathOf(method),
          encoder(method.input),
          decoder(method.output),
          create(method.input, request),
          metadataOf(token),
        ),
      ),

    both: (method, requests, signal) =>
      messagesOf(signal, (token) => {
        const call = channel.makeBidiStreamRequest(
          pathOf(method),
          encoder(method.input),
          decoder(method.output),
          metadataOf(token),
        )
        const over = new Promise<void>((resolve) => {
          call.once('end', resolve).once('error', () => resolve())
        })
        const ended = new AbortController()
        void over.then(() => ended.abort())
        send(call, method.input, requests(), ended.signal, over).catch((thrown: unknown) => {
          call.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
          call.cancel()
        })
        return call
      }),

    up: (method, requests, options = {}) =>
      withTimeout(options, (signal) =>
        withToken(credentials, (token) =>
          named(signal, async () => {
            const { promise, resolve, reject } = Promise.withResolvers<MessageShape<typeof method.output>>()
            const call = channel.makeClientStreamRequest(
              pathOf(method),
              encoder(method.input),
              decoder(method.output),
              metadataOf(token, options.idempotencyKey),
              limits(options.timeoutMs),
              (error, answer) => (answer ? resolve(answer) : reject(error)),
            )
            call.on('error', () => {})
            const isOver = new AbortController()
            const over = promise.then(
              () => isOver.abort(),
              () => isOver.abort(),
            )
            const sending = send(call, method.input, requests(), isOver.signal, over).catch(
              (thrown: unknown) => {
                call.cancel()
                reject(thrown)
              },
            )
            try {
              return await untilAborted(promise, signal, () => call.cancel())
            } finally {
              isOver.abort()
              void sending
            }
          }),
        ),
      ),
  }
}

/** The part of a streaming call that is used. */
interface Down<T> {
  on(event: 'error', listener: () => void): unknown
  on(event: 'metadata', listener: (head: Metadata) => void): unknown
  cancel(): void
  iterator(options: { destroyOnReturn: boolean }): Messages<T>
}

interface Messages<T> {
  next(): Promise<IteratorResult<T, unknown>>
}

interface Writable {
  write(message: unknown): boolean
  end(): unknown
  once(event: 'drain', listener: () => void): unknown
}

/** Writes messages with backpressure. Stops when the server responds early. */
async function send<I extends DescMessage>(
  call: Writable,
  schema: I,
  requests: AsyncIterable<MessageInitShape<I>>,
  over: AbortSignal,
  isOver: Promise<void>,
): Promise<void> {
  const source = requests[Symbol.asyncIterator]()
  try {
    while (!over.aborted) {
      const next = await Promise.race([source.next(), isOver])
      if (next === undefined || next.done === true) break
      if (call.write(create(schema, next.value))) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      call.once('drain', resolve)
      await Promise.race([promise, isOver])
    }
    if (!over.aborted) call.end()
  } finally {
    // Not awaited: a blocked source must not delay a completed call.
    void source.return?.()?.catch(() => {})
  }
}

async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  stop: () => void,
): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function recordPosition(positions: WritePositions, head: Metadata): void {
  const [position] = head.get(positionHeader)
  if (typeof position === 'string') positions.record(position)
}

function metadataOf(token: string | null, key?: string): Metadata {
  const metadata = new Metadata()
  if (key !== undefined) metadata.set('idempotency-key', key)
  if (token !== null) metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

function limits(timeoutMs: number | undefined): GrpcCallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`

function encoder<I extends DescMessage>(schema: I): (message: MessageShape<I>) => Buffer {
  return (message) => {
    const { buffer, byteOffset, byteLength } = toBinary(schema, message)
    return Buffer.from(buffer, byteOffset, byteLength)
  }
}

function decoder<O extends DescMessage>(schema: O): (bytes: Buffer) => MessageShape<O> {
  return (bytes) => fromBinary(schema, bytes)
}
