import { createInbox, type NatsConnection } from '@nats-io/nats-core'
import type { Chunk } from './chunk.ts'
import type { RawMessage } from './raw-message.ts'
import { createSharedTimer } from '../shared-timer.ts'
import { wireOf, type Payload } from './wire.ts'

export interface ReplyHandler {
  /** Takes a reply; returns true for the last one. */
  readonly onReply: (message: RawMessage) => boolean
  /** No further reply will come. The reason is a text, or the error with which the server refused the request. */
  readonly onError: (reason: string | Error) => void
}

interface RawRequestOptions {
  /** The request fails after this time without a reply. */
  readonly timeoutMs: number
  /** See `encodeHeaders`. */
  readonly headers?: Uint8Array | string | undefined
}

/**
 * Requests over one connection whose content is not copied between here and the socket. They share one subscription and one
 * timer. All fail on a disconnect.
 */
export interface RawRequests {
  /** Publishes with a reply subject. Bytes must not be changed before the last reply. */
  request(subject: string, payload: Payload, options: RawRequestOptions, handler: ReplyHandler): void
  /** The same with a chunk as its payload. */
  requestChunk(subject: string, content: Chunk, timeoutMs: number, handler: ReplyHandler): void
  /** Fails all pending requests. */
  failAll(): void
  /** Fails the pending requests on a subject, which the server refused. */
  refuse(subject: string, reason: Error): void
}

interface PendingRequest {
  readonly subject: string
  readonly handler: ReplyHandler
  readonly timeoutMs: number
  deadline: number
}

export function createRawRequests(nc: NatsConnection): RawRequests {
  const wire = wireOf(nc)
  const inbox = createInbox()
  const pending = new Map<string, PendingRequest>()
  let lastToken = 0

  const onMessage = (message: RawMessage) => {
    const token = message.subject.slice(inbox.length + 1)
    const request = pending.get(token)
    if (request === undefined) return
    const { handler, timeoutMs } = request
    try {
      if (handler.onReply(message)) pending.delete(token)
      else request.deadline = performance.now() + timeoutMs
    } catch (thrown) {
      // Thrown further, it would close the connection and fail all other requests.
      pending.delete(token)
      handler.onError(new Error('invalid reply', { cause: thrown }))
    }
  }
  wire.subscribe(`${inbox}.*`, onMessage)

  const timer = createSharedTimer(() => {
    const now = performance.now()
    let next = Infinity
    for (const [token, { deadline, handler }] of pending) {
      if (deadline > now) {
        next = Math.min(next, deadline)
        continue
      }
      pending.delete(token)
      handler.onError('timeout')
    }
    return next
  })
  /** Returns the reply subject. */
  const add = (subject: string, timeoutMs: number, handler: ReplyHandler): string => {
    lastToken += 1
    const token = lastToken.toString(36)
    const deadline = performance.now() + timeoutMs
    pending.set(token, { subject, handler, timeoutMs, deadline })
    timer.checkBy(deadline)
    return `${inbox}.${token}`
  }
  const remove = (reply: string) => pending.delete(reply.slice(inbox.length + 1))

  return {
    request(subject, payload, { timeoutMs, headers }, handler) {
      const reply = add(subject, timeoutMs, handler)
      try {
        wire.publish(subject, payload, headers === undefined ? { reply } : { reply, headers })
      } catch (thrown) {
        remove(reply)
        throw thrown
      }
    },
    requestChunk(subject, content, timeoutMs, handler) {
      const reply = add(subject, timeoutMs, handler)
      try {
        wire.write(content.toPublishCommand(subject, reply))
      } catch (thrown) {
        remove(reply)
        throw thrown
      }
    },
    failAll() {
      const failed = [...pending.values()]
      pending.clear()
      for (const { handler } of failed) handler.onError('the connection broke while waiting for an answer')
    },
    refuse(subject, reason) {
      for (const [token, request] of pending) {
        if (request.subject !== subject) continue
        pending.delete(token)
        request.handler.onError(reason)
      }
    },
  }
}
