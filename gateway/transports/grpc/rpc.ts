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

/** Largest message that is taken, and that is sent: what clients take unless they are told otherwise. */
export const largestMessage = 4 * 1024 * 1024

/** One call as its implementation sees it, whichever protocol it came by. */
export interface Call {
  readonly requestId: string
  /** The key under which the client may make a creating call again; undefined when it sends none. */
  readonly idempotencyKey: string | undefined
  /** The position that the client wants to be known of; undefined when it sends none. */
  readonly position: string | undefined
  /** Has a position go out with the head of the answer; to be called before the first message. */
  recordPosition(position: string | undefined): void
  /** Aborts when the client has gone or its deadline has passed. */
  readonly signal: AbortSignal
  /** Aborts when the connection is to be left: streams that can be gone on with elsewhere end then. */
  readonly moving: AbortSignal | undefined
  /** Who calls; known before anything of the body was read. */
  caller(): Principal
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
 * A service without a protocol: its methods, typed by its descriptor. The bytes in a message of a stream are good until
 * the next message is asked for.
 */
export type Implementation<S extends DescService> = { [K in keyof S['method']]: Method<S['method'][K]> }
