import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { DescMethod } from '@bufbuild/protobuf'
import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import type { Fault } from '@pixelflow/core/fault'
import type { ClientCertificate } from '../../../accounts/admission.ts'
import { clockSlackMs, givenUp, tooLate, type Arrival, type Desk, type Visit } from '../desk.ts'
import { headersOf } from './metadata.ts'

/**
 * Receives every call at the desk before anything of it is read, so that calls which never reach their implementation
 * are counted and logged too: messages that are too large or no messages, deadlines, clients that leave.
 */
export interface Reception {
  readonly interceptor: ServerInterceptor
  /** Notes the calls of a server that grpc-js turns away because there is no such method. */
  look(server: Http2Server): void
  /** From now on calls of this method are received. */
  open(path: string, method: DescMethod): void
  /** The visit of a call, which from now on is ended by whoever asked. */
  take(metadata: Metadata): Visit
}

type Inner = ServerInterceptingCallInterface
type Listener = Parameters<Inner['start']>[0]
type Door = (arrival: Arrival) => Visit

/**
 * @param certificateOf What the client of a connection has shown, by the name of the peer.
 * @param movingOf What aborts when that connection is to be left.
 */
export function createReception(
  desk: Desk,
  certificateOf: (peer: string) => ClientCertificate | undefined = () => undefined,
  movingOf: (peer: string) => AbortSignal | undefined = () => undefined,
): Reception {
  const doors = new Map<string, Door>()
  const received = new WeakMap<Metadata, ReceivedCall>()
  return {
    interceptor(definition, call) {
      const door = doors.get(definition.path)
      return door ? new ReceivedCall(call, door, received) : new ServerInterceptingCall(call)
    },
    look: (server) =>
      void server.on('stream', ({ session }: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        const path = String(headers[':path'])
        if (doors.has(path)) return
        const id = headers['x-request-id']
        const socket = session?.socket
        desk.unknown(path, {
          protocol: 'grpc',
          headers: new Headers(typeof id === 'string' ? { 'x-request-id': id } : {}),
          peer: `${socket?.remoteAddress}:${socket?.remotePort}`,
        })
      }),
    open(path, method) {
      const door = desk.door(method)
      doors.set(path, (arrival) => {
        const { peer } = arrival
        return door({ ...arrival, certificate: certificateOf(peer), moving: movingOf(peer) })
      })
    },
    take(metadata) {
      const visit = received.get(metadata)?.take()
      if (!visit) throw new Error('The call has not been received.')
      return visit
    },
  }
}

/** Hands everything on by itself, past what grpc-js does for interceptors that change what they see. */
class ReceivedCall extends ServerInterceptingCall {
  readonly #call: Inner
  readonly #door: Door
  readonly #received: WeakMap<Metadata, ReceivedCall>
  readonly #gone = new AbortController()
  #visit: Visit | undefined
  #isTaken = false
  #isCancelled = false

  constructor(call: Inner, door: Door, received: WeakMap<Metadata, ReceivedCall>) {
    super(call)
    this.#call = call
    this.#door = door
    this.#received = received
    // What grpc-js refuses by itself passes by no interceptor: only the innermost call knows the code.
    const send = call.sendStatus
    call.sendStatus = (status) => {
      this.#endUntaken(status.code ?? 0)
      send.call(call, status)
    }
  }

  override start(listener: Listener): void {
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        this.#receive(metadata)
        listener.onReceiveMetadata(metadata)
      },
      onReceiveMessage: (message) => {
        if (this.#isCancelled) return
        this.#visit?.received()
        listener.onReceiveMessage(message)
      },
      onReceiveHalfClose: () => {
        if (!this.#isCancelled) listener.onReceiveHalfClose()
      },
      onCancel: () => {
        this.#isCancelled = true
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
  take(): Visit | undefined {
    this.#isTaken = true
    return this.#visit
  }

  #receive(metadata: Metadata): void {
    this.#visit = this.#door({
      protocol: 'grpc',
      headers: headersOf(metadata, this.#call.getHost()),
      peer: this.#call.getPeer(),
      signal: this.#gone.signal,
    })
    this.#received.set(metadata, this)
  }

  /** An implementation that has begun hears of it and ends the visit itself. */
  #leave(): void {
    // Also comes after every end.
    if (this.#visit?.isOver !== false) return
    const reason = this.#isLate() ? tooLate() : givenUp()
    this.#gone.abort(reason)
    this.#endUntaken(reason)
  }

  #endUntaken(how: Fault | number): void {
    if (!this.#isTaken) this.#visit?.ended(how)
  }

  #isLate(): boolean {
    return Date.now() + clockSlackMs >= Number(this.#call.getDeadline())
  }
}
