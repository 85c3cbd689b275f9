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
  clockSlackMs,
  clientCancelled,
  deadlineExceeded,
  type IncomingCall,
  type CallInterceptor,
  type CallContext,
} from '../call-interceptor.ts'
import { rulesOf } from '../method-rules.ts'
import { createMessageDecoder, type MessagePool } from './message-pool.ts'
import { createMessageReceiver, type MessageReceiver } from './message-receiver.ts'
import { toStatusError, headersOf } from './metadata.ts'
import { createRepeatedAuthorization, type RepeatedAuthorization } from './repeated-authorization.ts'
import { checkMetadataSize } from './check-metadata-size.ts'
import { UndecodableMessage } from './undecodable-message.ts'

/**
 * Receives every call at the callInterceptor before anything of it is read, so that calls which never reach their implementation
 * are counted and logged too: messages that are too large or no messages, deadlines, clients that leave. One that may not
 * be made ends here, on its headers.
 */
export interface NativeInterceptor {
  readonly interceptor: ServerInterceptor
  /** Notes the calls of a server that grpc-js turns away because there is no such method. */
  look(server: Http2Server): void
  /** From now on calls of this method are received. */
  open(path: string, method: DescMethod): void
  /** The visit of a call, which from now on is ended by whoever asked. */
  take(metadata: Metadata): CallContext
}

type Inner = ServerInterceptingCallInterface
type Definition = Parameters<ServerInterceptor>[0]
type Listener = Parameters<Inner['start']>[0]

/** What is known of a method before anybody calls it. */
interface Method {
  readonly door: (arrival: IncomingCall, session: ServerHttp2Session | undefined) => CallContext
  readonly input: DescMessage
  readonly largestRequest: number
}

/** What all calls share. */
interface Shared {
  readonly received: WeakMap<Metadata, ReceivedCall>
  readonly frames: MessagePool
  readonly idle: IdleWatch
  readonly repeated: RepeatedAuthorization
}

export interface NativeInterceptorNeeds {
  readonly callInterceptor: CallInterceptor
  readonly frames: MessagePool
  /** Ends calls whose messages stay away for too long. */
  readonly idle: IdleWatch
  /** What the client of a connection has shown. */
  readonly certificateOf?: (session: ServerHttp2Session | undefined) => ClientCertificate | undefined
  /** Told of a connection whose client has made a call with valid credentials. */
  readonly onLetIn?: (session: ServerHttp2Session) => void
  /** What aborts when that connection is to be left. */
  readonly goawaySignalOf?: (session: ServerHttp2Session | undefined) => AbortSignal | undefined
}

export function createNativeInterceptor({
  callInterceptor,
  frames,
  idle,
  certificateOf = () => undefined,
  goawaySignalOf = () => undefined,
  onLetIn = () => {},
}: NativeInterceptorNeeds): NativeInterceptor {
  const doors = new Map<string, Method>()
  const repeated = createRepeatedAuthorization()
  const shared: Shared = { received: new WeakMap(), frames, idle, repeated }
  return {
    interceptor(definition, call) {
      const method = doors.get(definition.path)
      return method ? new ReceivedCall(call, definition, method, shared) : new ServerInterceptingCall(call)
    },
    look(server) {
      repeated.look(server)
      server.on('stream', ({ session }: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        const path = String(headers[':path'])
        if (doors.has(path)) return
        const id = headers['x-request-id']
        const socket = session?.socket
        callInterceptor.unknown(path, {
          protocol: 'grpc',
          headers: new Headers(typeof id === 'string' ? { 'x-request-id': id } : {}),
          peer: `${socket?.remoteAddress}:${socket?.remotePort}`,
        })
      })
    },
    open(path, method) {
      const door = callInterceptor.door(method)
      const { access, largestRequest } = rulesOf(method)
      doors.set(path, {
        door(arrival, session) {
          const visit = door({
            ...arrival,
            certificate: certificateOf(session),
            moving: goawaySignalOf(session),
          })
          if (session && access === 'account' && !visit.refusal) onLetIn(session)
          return visit
        },
        input: method.input,
        largestRequest,
      })
    },
    take(metadata) {
      const visit = shared.received.get(metadata)?.take()
      if (!visit) throw new Error('The call has not been received.')
      return visit
    },
  }
}

/** Hands everything on by itself, past what grpc-js does for interceptors that change what they see. */
class ReceivedCall extends ServerInterceptingCall {
  readonly #call: Inner
  readonly #method: Method
  readonly #received: Shared['received']
  readonly #repeated: RepeatedAuthorization
  readonly #incoming: MessageReceiver
  readonly #gone = new AbortController()
  #visit: CallContext | undefined
  #isTaken = false
  #isCancelled = false
  /** By the monotonic clock: the other may be set while the call lasts. */
  #deadline = Infinity

  constructor(
    call: Inner,
    definition: Definition,
    method: Method,
    { received, frames, idle, repeated }: Shared,
  ) {
    super(call)
    this.#call = call
    this.#method = method
    this.#received = received
    this.#repeated = repeated
    const { requestStream: isStream, responseStream } = definition
    this.#incoming = createMessageReceiver({
      call,
      input: method.input,
      largestMessage: method.largestRequest,
      // Of other calls the bytes may be kept until the answer, so nothing of them is used again.
      createMessageDecoder: isStream && !responseStream ? frames.decoder : createMessageDecoder,
      isStream,
      idle,
      onIdle: (fault) => this.#refuse(fault),
    })
    // What grpc-js refuses by itself passes by no interceptor: only the innermost call knows the code.
    const send = call.sendStatus
    call.sendStatus = (status) => {
      this.#incoming.close()
      const { fault } = this.#incoming
      if (fault) this.#gone.abort(fault)
      this.#endUntaken(fault ?? status.code ?? 0)
      send.call(call, fault ? toStatusError(fault, this.#visit?.requestId ?? '') : status)
    }
  }

  override start(listener: Listener): void {
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        const { refusal = checkMetadataSize(metadata), requestId, ended } = this.#receive(metadata)
        if (!refusal) return listener.onReceiveMetadata(metadata)
        // Nobody asks for its messages then, and what comes of them is thrown away.
        ended(refusal)
        this.#call.sendStatus(toStatusError(refusal, requestId))
      },
      onReceiveMessage: (message) => {
        if (this.#isCancelled) return
        const received: unknown = message
        if (received instanceof UndecodableMessage) {
          this.#incoming.refuse(received.fault)
          return this.#refuse(received.fault)
        }
        this.#visit?.received()
        listener.onReceiveMessage(message)
      },
      onReceiveHalfClose: () => {
        this.#incoming.halfClosed()
        if (!this.#isCancelled) listener.onReceiveHalfClose()
      },
      onCancel: () => {
        this.#isCancelled = true
        this.#incoming.close()
        this.#leave()
        listener.onCancel()
      },
    })
  }

  /**
   * Lets the stack unwind after each message. On Bun a write calls back at once, from inside the end of another stream;
   * thousands of calls on one connection would nest until the process dies.
   */
  override sendMessage(...[message, sent]: Parameters<Inner['sendMessage']>): void {
    this.#visit?.sent()
    this.#call.sendMessage(message, () => process.nextTick(sent))
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata)
  }

  override sendStatus(...[status]: Parameters<Inner['sendStatus']>): void {
    this.#call.sendStatus(status)
  }

  /** The implementation has the visit from now on, even of a call that was refused a moment ago. */
  take(): CallContext | undefined {
    this.#isTaken = true
    return this.#visit
  }

  #receive(metadata: Metadata): CallContext {
    this.#deadline = performance.now() + Number(this.#call.getDeadline()) - Date.now()
    const stream = streamOf(this.#call)
    const arrival: IncomingCall = {
      protocol: 'grpc',
      headers: headersOf(metadata, this.#call.getHost(), this.#repeated.valuesOf(stream)),
      peer: this.#call.getPeer(),
      signal: this.#gone.signal,
    }
    const visit = this.#method.door(arrival, stream.session as ServerHttp2Session | undefined)
    this.#visit = visit
    if (!visit.refusal) this.#incoming.begin(visit.held)
    this.#received.set(metadata, this)
    return visit
  }

  /** Ends the call in the middle of its messages. */
  #refuse(fault: Fault): void {
    this.#call.sendStatus(toStatusError(fault, this.#visit?.requestId ?? ''))
  }

  /** An implementation that has begun hears of it and ends the visit itself. */
  #leave(): void {
    // Also comes after every end.
    if (this.#visit?.isOver !== false) return
    const reason = this.#isLate() ? deadlineExceeded() : clientCancelled()
    this.#gone.abort(reason)
    this.#endUntaken(reason)
  }

  #endUntaken(how: Fault | number): void {
    if (!this.#isTaken) this.#visit?.ended(how)
  }

  #isLate(): boolean {
    return performance.now() + clockSlackMs >= this.#deadline
  }
}

/** @throws Error when this version of grpc-js is made otherwise. */
function streamOf(call: Inner): ServerHttp2Stream {
  const { stream } = call as Inner & { readonly stream?: ServerHttp2Stream }
  if (!stream) throw new Error('This version of @grpc/grpc-js keeps the stream of a call elsewhere.')
  return stream
}
