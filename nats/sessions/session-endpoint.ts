import { Fault } from '@pixelflow/core/fault'
import { createNotifier } from '@pixelflow/core/notifier'
import { totalLength, rechunk } from '@pixelflow/core/concat-bytes'
import type { Session } from '@pixelflow/core/ports/sessions'
import { createReceiveBuffer } from './receive-buffer.ts'
import {
  encodeJson,
  headerBytes,
  frameBytes,
  decodeFault,
  encodeMessage,
  encodeFrame,
  encodeJsonMessage,
  messageTypes,
  type SessionMessage,
} from './messages.ts'
import { sessionHeartbeatMs, sessionTimeoutMs } from './heartbeat.ts'

export interface SessionEndpointOptions {
  readonly peer: string
  /** When only one side sends frames: whether it is this one. */
  readonly oneWay?: 'sender' | 'receiver' | undefined
  /** Unread bytes that this side buffers. */
  readonly windowIn: number
  /** Unread bytes that the other side buffers. */
  readonly windowOut: number
  /** The longest message, in bytes. */
  readonly maxMessageBytes: number
  /** Sends a message to the other side. `wantsReceipt`: the broker reports when it has no subscriber. */
  readonly publish: (message: readonly Uint8Array[], wantsReceipt?: boolean) => void
  /** Called once, when this side needs no more messages. */
  readonly onEnd: () => void
}

/** One side of a session, driven by the process that receives its messages. */
export interface SessionEndpoint extends Session {
  receive(message: SessionMessage, bytes: number): void
  /** Sends a heartbeat when it is due, and breaks the session when the other side has been silent for too long. */
  checkHeartbeat(now: number): void
  /** Breaks the session: the other side cannot be reached. */
  breakSession(reason: string): void
  /** Ends this side: it sends and reads nothing more; the other side may still read. */
  leave(): Promise<void>
}

export function createSessionEndpoint(options: SessionEndpointOptions): SessionEndpoint {
  const { peer, oneWay, windowIn, windowOut, maxMessageBytes } = options
  const breaking = new AbortController()
  let lastSentAt = performance.now()
  let lastReceivedAt = lastSentAt
  let sent = 0
  let unread = 0
  let isFinished = oneWay === 'receiver'
  let hasLeft = false
  let isOver = false
  const changed = createNotifier()
  let lastTurn = Promise.resolve()

  const publish = (message: readonly Uint8Array[], wantsReceipt = false) => {
    lastSentAt = performance.now()
    options.publish(message, wantsReceipt)
  }
  const updateWindow = (bytes: number) => {
    if (!isOver) publish(encodeMessage(messageTypes.windowUpdate, bytes))
  }
  const receiveBuffer = createReceiveBuffer(windowIn, updateWindow, oneWay === 'sender')
  const end = () => {
    if (isOver) return
    isOver = true
    options.onEnd()
    changed.notify()
  }
  const endIfFinished = () => {
    if (isFinished && receiveBuffer.isFinished) end()
  }
  const abort = (fault: Fault) => {
    if (isOver) return
    breaking.abort(fault)
    end()
    receiveBuffer.discard()
  }
  const fail = (fault: Fault) => {
    if (isOver) return
    publish(encodeJsonMessage(messageTypes.error, fault.report()))
    abort(fault)
  }
  /** Any gap in the messages breaks the session: wrong bytes are worse than none. */
  const failInvalid = (cause: unknown) =>
    fail(lost(peer, 'A message of the session was lost or invalid.', cause))

  /** Sends a message with a sequence, when the other side's window has space for it. */
  const publishInOrder = async (bytes: number, encode: (number: number) => readonly Uint8Array[]) => {
    while (!isOver && unread > 0 && unread + bytes > windowOut) await changed.wait()
    breaking.signal.throwIfAborted()
    if (isOver || isFinished) throw new Error('this side of the session has finished')
    unread += bytes
    publish(encode((sent += 1)))
  }
  /** Runs sends one after the other: the messages of two frames must not mix. */
  const runInTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = lastTurn.then(work)
    lastTurn = done.then(
      () => {},
      () => {},
    )
    return done
  }
  const sendFrame = async (head: unknown, body: readonly Uint8Array[]) => {
    const encoded = encodeJson(head)
    const around = frameBytes + encoded.length
    if (around > maxMessageBytes) {
      throw new Error(`the head of a frame must fit into ${maxMessageBytes} bytes, got ${around}`)
    }
    const size = totalLength(body)
    // Only the first message has a head; the others use less than the limit.
    const pieces = size === 0 ? [[]] : rechunk(body, maxMessageBytes - around)
    let isFirst = true
    for (const piece of pieces) {
      const bytes = (isFirst ? around : headerBytes) + totalLength(piece)
      await publishInOrder(bytes, (number) =>
        isFirst
          ? encodeFrame(number, encoded, size, piece)
          : encodeMessage(messageTypes.continuation, number, piece),
      )
      isFirst = false
    }
  }
  const finish = () =>
    runInTurn(async () => {
      if (isOver || isFinished) return
      publish(encodeMessage(messageTypes.finish, (sent += 1)))
      isFinished = true
      endIfFinished()
    })

  return {
    peer,
    wantsFrames: oneWay !== 'receiver',
    broken: breaking.signal,
    send: (head, body = []) => runInTurn(() => sendFrame(head, body instanceof Uint8Array ? [body] : body)),
    async next(signal) {
      while (true) {
        signal?.throwIfAborted()
        breaking.signal.throwIfAborted()
        const frame = receiveBuffer.shift()
        if (frame !== undefined) return frame
        if (receiveBuffer.isFinished || isOver) return null
        await changed.wait(signal ? { signal } : {})
      }
    },
    finish,
    async fail(fault) {
      fail(fault)
    },
    async leave() {
      hasLeft = true
      receiveBuffer.discard()
      await finish()
    },
    receive(message, bytes) {
      if (isOver) return
      lastReceivedAt = performance.now()
      try {
        if (message.type === messageTypes.windowUpdate) unread -= message.number
        else if (message.type === messageTypes.error) abort(decodeFault(message))
        else if (message.type !== messageTypes.heartbeat) receiveBuffer.receive(message, bytes)
        else if (message.number !== receiveBuffer.received)
          throw new Error('a message before the heartbeat is missing')
      } catch (cause) {
        failInvalid(cause)
      }
      changed.notify()
      endIfFinished()
    },
    checkHeartbeat(now) {
      if (now - lastReceivedAt > sessionTimeoutMs) fail(lost(peer, 'The heartbeat timed out.'))
      else if (now - lastSentAt >= sessionHeartbeatMs)
        publish(encodeMessage(messageTypes.heartbeat, sent), true)
    },
    breakSession(reason) {
      abort(lost(peer, reason))
    },
    async [Symbol.asyncDispose]() {
      if (!hasLeft)
        fail(new Fault('cancelled', 'The other side closed the session.', { remedy: 'Open a new session.' }))
    },
  }
}

function lost(peer: string, reason: string, cause?: unknown): Fault {
  return new Fault('actor_lost', 'The connection to the other side of the session was lost.', {
    remedy: 'Try again.',
    retryAfterMs: 1000,
    cause: new Error(`${peer}: ${reason}`, { cause }),
  })
}
