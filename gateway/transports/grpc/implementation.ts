import type { Principal } from '@pixelflow/core/principal'
import type {
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'

/** One call as its implementation sees it, independent of the protocol. */
export interface Call {
  readonly requestId: string
  /** The client's idempotency key; undefined without one. */
  readonly idempotencyKey: string | undefined
  /** The position that a read must include; undefined when the client sends none. */
  readonly position: string | undefined
  /** Sends a position in the response headers. Call it before the first message. */
  recordPosition(position: string | undefined): void
  /** Aborts when the client cancels the call or its deadline passes. */
  readonly signal: AbortSignal
  /** Aborts when the server sends GOAWAY on the connection. Streams that can resume on another connection end then. */
  readonly goaway: AbortSignal | undefined
  /** The authenticated caller. It is known before the server reads the body. */
  principal(): Principal
}

type Method<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call) => Promise<MessageInitShape<O>>
    : M extends DescMethodClientStreaming<infer I, infer O>
      ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => Promise<MessageInitShape<O>>
      : M extends DescMethodServerStreaming<infer I, infer O>
        ? (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => AsyncIterable<MessageInitShape<O>>
          : never

/**
 * The methods of a service without a protocol, typed by the service descriptor. Bytes in a message of a request stream
 * stay valid until the implementation asks for the next message.
 */
export type Implementation<S extends DescService> = { [K in keyof S['method']]: Method<S['method'][K]> }
