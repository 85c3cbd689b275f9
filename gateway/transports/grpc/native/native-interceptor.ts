import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { DescMessage, DescMethod } from '@bufbuild/protobuf'
import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import type { Fault } from '@pixelflow/core/fault'
import type { ClientCertificate } from '../../../accounts/authenticator.ts'
import type { IdleWatch } from '../../../limits/idle-watch.ts'
import {
  clientCancelled,
  clockSlackMs,
  deadlineExceeded,
  type CallContext,
  type IncomingCall,
} from '../call-context.ts'
import type { CallInterceptor } from '../call-interceptor.ts'
import { createMessageDecoder } from '../message-decoder.ts'
import { needsAccount } from '../../../calls/call-runner.ts'
import { rulesOf } from '../method-rules.ts'
import { checkMetadataSize } from './check-metadata-size.ts'
import type { MessagePool } from './message-pool.ts'
import { createMessageReceiver, type MessageReceiver } from './message-receiver.ts'
import { headersOf, toStatusError } from './metadata.ts'
import { createRepeatedAuthorization, type RepeatedAuthorization } from './repeated-authorization.ts'
import { UndecodableMessage } from './undecodable-message.ts'

/**
 * Opens a call context on the headers of each call, before anything of the body is read. Calls that never reach their
 * implementation (too large or undecodable messages, deadlines, cancellations) are therefore counted and logged too. A
 * refused call ends here, on its headers.
 */
export interface NativeInterceptor {
  readonly interceptor: ServerInterceptor
  /** Logs calls of unknown methods, which grpc-js rejects before it runs interceptors. */
  attach(server: Http2Server): void
  /** Serves calls of this method from now on. */
  register(path: string, method: DescMethod): void
  /** The context of a call. The implementation that takes it must end it. */
  takeContext(metadata: Metadata): CallContext
}

type InnerCall = ServerInterceptingCallInterface
type Definition = Parameters<ServerInterceptor>[0]
type Listener = Parameters<InnerCall['start']>[0]

/** A registered method. */
interface Method {
  readonly open: (incoming: IncomingCall, session: ServerHttp2Session | undefined) => CallContext
  readonly input: DescMessage
  readonly maxRequestBytes: number
}

/** What all calls share. */
interface Shared {
  readonly intercepted: WeakMap<Metadata, InterceptedCall>
  readonly pool: MessagePool
  readonly idle: IdleWatch
  readonly repeated: RepeatedAuthorization
}

export interface NativeInterceptorOptions {
  readonly callInterceptor: CallInterceptor
  readonly pool: MessagePool
  /** Ends calls whose messages pause for too long. */
  readonly idle: IdleWatch
  readonly certificateOf?: (session: ServerHttp2Session | undefined) => ClientCertificate | undefined
  /** Called when a call of the client has valid credentials. */
  readonly onAuthenticated?: (session: ServerHttp2Session) => void
  /** The signal that aborts when the server sends GOAWAY on the connection. */
  readonly goawaySignalOf?: (session: ServerHttp2Session | undefined) => AbortSignal | undefined
}

export function createNativeInterceptor({
  callInterceptor,
  pool,
  idle,
  certificateOf = () => undefined,
  goawaySignalOf = () => undefined,
  onAuthenticated = () => {},
}: NativeInterceptorOptions): NativeInterceptor {
  const methods = new Map<string, Method>()
  const repeated = createRepeatedAuthorization()
  const shared: Shared = { intercepted: new WeakMap(), pool, idle, repeated }
  return {
    interceptor(definition, call) {
      const method = methods.get(definition.path)
      return method ? new InterceptedCall(call, definition, method, shared) : new ServerInterceptingCall(call)
    },
    attach(server) {
      repeated.attach(server)
      server.on('stream', ({ session }: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        const path = String(headers[':path'])
        if (methods.has(path)) return
        const id = headers['x-request-id']
        const socket = session?.socket
        callInterceptor.logUnknownMethod(path, {
          protocol: 'grpc',
          headers: new Headers(typeof id === 'string' ? { 'x-request-id': id } : {}),
          peer: `${socket?.remoteAddress}:${socket?.remotePort}`,
        })
      })
    },
    register(path, method) {
      const openContext = callInterceptor.forMethod(method)
      const { access, maxRequestBytes } = rulesOf(method)
      methods.set(path, {
        open(incoming, session) {
          const context = openContext({
            ...incoming,
            certificate: certificateOf(session),
            goaway: goawaySignalOf(session),
          })
          if (session && needsAccount(access) && !context.refusal) onAuthenticated(session)
          return context
        },
        input: method.input,
        maxRequestBytes,
      })
    },
    takeContext(metadata) {
      const context = shared.intercepted.get(metadata)?.takeContext()
      if (!context) throw new Error('The call has no context: the interceptor has not seen its metadata.')
      return context
    },
  }
}

/** Forwards everything itself: the interceptor builder of grpc-js adds work for each message that is not needed here. */
class InterceptedCall extends ServerInterceptingCall {
  readonly #call: InnerCall
  readonly #method: Method
  readonly #intercepted: Shared['intercepted']
  readonly #repeated: RepeatedAuthorization
  readonly #receiver: MessageReceiver
  readonly #cancelled = new AbortController()
  #context: CallContext | undefined
  #isTaken = false
  #isCancelled = false
  /** In monotonic time, because the wall clock may be set during the call. */
  #deadline = Infinity

  constructor(
    call: InnerCall,
    definition: Definition,
    method: Method,
    { intercepted, pool, idle, repeated }: Shared,
  ) {
    super(call)
    this.#call = call
    this.#method = method
    this.#intercepted = intercepted
    this.#repeated = repeated
    const { requestStream: isStream, responseStream } = definition
    this.#receiver = createMessageReceiver({
      call,
      input: method.input,
      maxMessageBytes: method.maxRequestBytes,
      // Other kinds of call may keep a message until they answer, so pooled buffers are for client streams only.
      createDecoder: isStream && !responseStream ? pool.decoder : createMessageDecoder,
      isStream,
      idle,
      onIdle: (fault) => this.#refuse(fault),
    })
    // Statuses that grpc-js sends on its own pass no interceptor: only the innermost call sees their code.
    const send = call.sendStatus
    call.sendStatus = (status) => {
      this.#receiver.close()
      const { fault } = this.#receiver
      if (fault) this.#cancelled.abort(fault)
      this.#endUntaken(fault ?? status.code ?? 0)
      send.call(call, fault ? toStatusError(fault, this.#context ?? { requestId: '' }) : status)
    }
  }

  override start(listener: Listener): void {
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        const context = this.#open(metadata)
        const refusal = context.refusal ?? checkMetadataSize(metadata)
        if (!refusal) return listener.onReceiveMetadata(metadata)
        // The listener stays unaware of the call, so nothing reads its messages; grpc-js discards them.
        context.end(refusal)
        this.#call.sendStatus(toStatusError(refusal, context))
      },
      onReceiveMessage: (message) => {
        if (this.#isCancelled) return
        const received: unknown = message
        if (received instanceof UndecodableMessage) {
          this.#receiver.refuse(received.fault)
          return this.#refuse(received.fault)
        }
        this.#context?.countReceived()
        listener.onReceiveMessage(message)
      },
      onReceiveHalfClose: () => {
        this.#receiver.halfClose()
        if (!this.#isCancelled) listener.onReceiveHalfClose()
      },
      onCancel: () => {
        this.#isCancelled = true
        this.#receiver.close()
        this.#cancel()
        listener.onCancel()
      },
    })
  }

  /**
   * Lets the stack unwind after each message.
   *
   * Workaround for Bun: a write on an HTTP/2 stream may call back synchronously, from inside the end of another stream.
   * Thousands of calls on one connection once nested until the stack overflowed and the process died. No upstream issue
   * is known. With Bun 1.4.5 `concurrent-calls.test.ts` and `bursts.test.ts` pass without it (2026-11-30); it can be
   * removed once the stress tests (`cancellations.test.ts`, `memory.test.ts`) have passed without it, too.
   */
  override sendMessage(...[message, sent]: Parameters<InnerCall['sendMessage']>): void {
    this.#context?.countSent()
    this.#call.sendMessage(message, () => process.nextTick(sent))
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata)
  }

  override sendStatus(...[status]: Parameters<InnerCall['sendStatus']>): void {
    this.#call.sendStatus(status)
  }

  /** Hands the context to the implementation, which must end it even if the call was refused a moment ago. */
  takeContext(): CallContext | undefined {
    this.#isTaken = true
    return this.#context
  }

  #open(metadata: Metadata): CallContext {
    this.#deadline = performance.now() + Number(this.#call.getDeadline()) - Date.now()
    const stream = streamOf(this.#call)
    const incoming: IncomingCall = {
      protocol: 'grpc',
      headers: headersOf(metadata, this.#call.getHost(), this.#repeated.valuesOf(stream)),
      peer: this.#call.getPeer(),
      signal: this.#cancelled.signal,
    }
    const context = this.#method.open(incoming, stream.session as ServerHttp2Session | undefined)
    this.#context = context
    if (!context.refusal) this.#receiver.begin(context.reservation)
    this.#intercepted.set(metadata, this)
    return context
  }

  /** Ends the call in the middle of its messages. */
  #refuse(fault: Fault): void {
    this.#call.sendStatus(toStatusError(fault, this.#context ?? { requestId: '' }))
  }

  /** Aborts the signal. A running implementation ends its context itself. */
  #cancel(): void {
    // grpc-js also reports a cancellation after every normal end.
    if (this.#context?.isEnded !== false) return
    const reason = this.#isLate() ? deadlineExceeded() : clientCancelled()
    this.#cancelled.abort(reason)
    this.#endUntaken(reason)
  }

  #endUntaken(outcome: Fault | number): void {
    if (!this.#isTaken) this.#context?.end(outcome)
  }

  #isLate(): boolean {
    return performance.now() + clockSlackMs >= this.#deadline
  }
}

/** @throws Error when this version of grpc-js has no `stream` on its innermost call. */
function streamOf(call: InnerCall): ServerHttp2Stream {
  const { stream } = call as InnerCall & { readonly stream?: ServerHttp2Stream }
  if (!stream) {
    throw new Error('This version of @grpc/grpc-js has no stream on a server call. Use version 1.14.7.')
  }
  return stream
}
