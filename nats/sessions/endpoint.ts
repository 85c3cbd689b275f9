import { Fault } from '@pixelflow/core/fault'
import { createNotifier } from '@pixelflow/core/notifier'
import { totalLength, rechunk } from '@pixelflow/core/concat-bytes'
import type { Session } from '@pixelflow/core/ports/sessions'
import { createReceiveBuffer } from './receive-buffer.ts'
import {
  encodeJson,
  fixedBytes,
  frameBytes,
  parseFault,
  print,
  printFrame,
  printJson,
  messageTypes,
  type SessionMessage,
} from './messages.ts'
import { sessionHeartbeatMs, sessionTimeoutMs } from '../topology/topology.ts'

export interface SessionEndpointOptions {
  readonly peer: string
  /** Bytes this end takes unread. */
  readonly windowIn: number
  /** Bytes the other end takes unread. */
  readonly windowOut: number
  /** The longest message that may be sent, in bytes. */
  readonly maxMessageBytes: number
  /** Sends a message to the other end; the broker is to say when nobody listens there any more, if `isAsking`. */
  readonly say: (message: readonly Uint8Array[], isAsking?: boolean) => void
  /** Called once, when this end needs to hear nothing more. */
  readonly onEnd: () => void
}

/** One end of a session, as the process sees it that hears for it. */
export interface SessionEndpoint extends Session {
  hear(message: SessionMessage, bytes: number): void
  /** Gives a sign of life when it is time for one, and breaks the session when the other end has given none. */
  pulse(now: number): void
  /** Breaks the session: the other end cannot be reached. */
  lose(why: string): void
  /** This end has nothing more to say and wants to hear nothing more; the other end may still read. */
  leave(): Promise<void>
}

export function createSessionEndpoint(options: SessionEndpointOptions): SessionEndpoint {
  const { peer, windowIn, windowOut, maxMessageBytes } = options
  const breaking = new AbortController()
  let lastSaid = performance.now()
  let lastHeard = lastSaid
  let sent = 0
  let unread = 0
  let isFinished = false
  let hasLeft = false
  let isOver = false
  const changed = createNotifier()
  let line = Promise.resolve()

  const say = (message: readonly Uint8Array[], isAsking = false) => {
    lastSaid = performance.now()
    options.say(message, isAsking)
  }
  const inflow = createReceiveBuffer(windowIn, (bytes) => {
    if (!isOver) say(print(messageTypes.credit, bytes))
  })
  const over = () => {
    if (isOver) return
    isOver = true
    options.onEnd()
    changed.notify()
  }
  const overIfFinished = () => {
    if (isFinished && inflow.isFinished) over()
  }
  const shatter = (fault: Fault) => {
    if (isOver) return
    breaking.abort(fault)
    over()
    inflow.discard()
  }
  const fail = (fault: Fault) => {
    if (isOver) return
    say(printJson(messageTypes.fail, fault.report()))
    shatter(fault)
  }
  /** Whatever was not cleanly said breaks the session: bytes that are wrong are worse than none. */
  const astray = (cause: unknown) =>
    fail(lost(peer, 'Something that was said in the session got lost.', cause))

  /** Sends a message that has a place in the order, as soon as the other end has room for it. */
  const sayInOrder = async (bytes: number, print: (number: number) => readonly Uint8Array[]) => {
    while (!isOver && unread > 0 && unread + bytes > windowOut) await changed.wait()
    breaking.signal.throwIfAborted()
    if (isOver || isFinished) throw new Error('this end of the session has finished')
    unread += bytes
    say(print((sent += 1)))
  }
  /** One after the other: the pieces of two frames must not mix. */
  const inLine = <T>(work: () => Promise<T>): Promise<T> => {
    const done = line.then(work)
    line = done.then(
      () => {},
      () => {},
    )
    return done
  }
  const sendFrame = async (head: unknown, body: readonly Uint8Array[]) => {
    const encoded = encodeJson(head)
    const around = frameBytes + encoded.length
    if (around > maxMessageBytes) throw new Error(`the head of a frame has ${encoded.length} bytes`)
    const size = totalLength(body)
    // The head counts for its message alone; for the others there is room to spare.
    const pieces = size === 0 ? [[]] : rechunk(body, maxMessageBytes - around)
    let isFirst = true
    for (const piece of pieces) {
      const bytes = (isFirst ? around : fixedBytes) + totalLength(piece)
      await sayInOrder(bytes, (number) =>
        isFirst ? printFrame(number, encoded, size, piece) : print(messageTypes.more, number, piece),
      )
      isFirst = false
    }
  }
  const finish = () =>
    inLine(async () => {
      if (isOver || isFinished) return
      say(print(messageTypes.finish, (sent += 1)))
      isFinished = true
      overIfFinished()
    })

  return {
    peer,
    broken: breaking.signal,
    send: (head, body = []) => inLine(() => sendFrame(head, body instanceof Uint8Array ? [body] : body)),
    async next(signal) {
      for (;;) {
        signal?.throwIfAborted()
        breaking.signal.throwIfAborted()
        const frame = inflow.shift()
        if (frame !== undefined) return frame
        if (inflow.isFinished || isOver) return null
        await changed.wait(signal ? { signal } : {})
      }
    },
    finish,
    async fail(fault) {
      fail(fault)
    },
    async leave() {
      hasLeft = true
      inflow.discard()
      await finish()
    },
    hear(message, bytes) {
      if (isOver) return
      lastHeard = performance.now()
      try {
        if (message.word === messageTypes.credit) unread -= message.number
        else if (message.word === messageTypes.fail) shatter(parseFault(message))
        else if (message.word !== messageTypes.pulse) inflow.take(message, bytes)
        else if (message.number !== inflow.received)
          throw new Error('a message before the sign of life is missing')
      } catch (cause) {
        astray(cause)
      }
      changed.notify()
      overIfFinished()
    },
    pulse(now) {
      if (now - lastHeard > sessionTimeoutMs) fail(lost(peer, 'It has given no sign of life.'))
      else if (now - lastSaid >= sessionHeartbeatMs) say(print(messageTypes.pulse, sent), true)
    },
    lose(why) {
      shatter(lost(peer, why))
    },
    async [Symbol.asyncDispose]() {
      if (!hasLeft) fail(new Fault('cancelled', 'The other side has left the session.'))
    },
  }
}

function lost(peer: string, why: string, cause?: unknown): Fault {
  return new Fault('actor_lost', 'The connection with the other side of the session was lost.', {
    remedy: 'Try again.',
    retryAfterMs: 1000,
    cause: new Error(`${peer}: ${why}`, { cause }),
  })
}
