import { createInbox, type NatsConnection } from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import type { Chunk } from './chunk.ts'
import type { RawMessage } from './splitter.ts'
import { WireTransport } from './wire-transport.ts'

export interface ReplyHandler {
  /** Takes a reply; returns true for the last one. */
  readonly onReply: (message: RawMessage) => boolean
  /** No further reply will come. */
  readonly onError: (reason: string) => void
}

/** Requests over one connection whose content is not copied between here and the socket. */
export interface RawRequests {
  /** Publishes a chunk with a reply subject. The request fails after `timeoutMs` without a reply, or on a disconnect. */
  requestChunk(subject: string, content: Chunk, timeoutMs: number, handler: ReplyHandler): void
  /** The same with a small payload; only the replies are not copied. */
  request(subject: string, payload: string, timeoutMs: number, handler: ReplyHandler): void
  /** Fails all pending requests. */
  failAll(): void
}

interface PendingRequest extends ReplyHandler {
  readonly timeoutMs: number
  deadline: number
}

/** How often timeouts are checked, in milliseconds: a timer for each chunk would cost more than the chunk. */
const checkEveryMs = 250

export function createRawRequests(nc: NatsConnection): RawRequests {
  const inbox = createInbox()
  const pending = new Map<string, PendingRequest>()
  let lastToken = 0
  let timer: ReturnType<typeof setInterval> | undefined
  // Subscribed at once, so that the server knows it before the first command bypasses the library's buffers. The library
  // subscribes again after a reconnect; its callback stays unused because the splitter intercepts the messages.
  const sid = nc.subscribe(`${inbox}.*`, { callback: () => {} }).getID()

  const remove = (token: string) => {
    pending.delete(token)
    if (pending.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const onMessage = (message: RawMessage) => {
    const token = message.subject.slice(inbox.length + 1)
    const request = pending.get(token)
    if (request === undefined) return
    request.deadline = performance.now() + request.timeoutMs
    try {
      if (request.onReply(message)) remove(token)
    } catch {
      // Thrown further, it would close the connection and fail all other requests.
      remove(token)
      request.onError('invalid reply')
    }
  }
  const checkTimeouts = () => {
    const now = performance.now()
    for (const [token, { deadline, onError }] of pending) {
      if (deadline > now) continue
      remove(token)
      onError('timeout')
    }
  }
  const add = (timeoutMs: number, handler: ReplyHandler): string => {
    lastToken += 1
    const token = lastToken.toString(36)
    pending.set(token, { ...handler, timeoutMs, deadline: performance.now() + timeoutMs })
    timer ??= setInterval(checkTimeouts, checkEveryMs)
    return token
  }
  /** The current transport; each reconnect creates a new one. */
  const interceptReplies = (): WireTransport => {
    const { transport } = (nc as NatsConnectionImpl).protocol
    if (!(transport instanceof WireTransport)) throw new Error('the connection does not use WireTransport')
    transport.splitter.intercept(sid, onMessage)
    return transport
  }

  return {
    requestChunk(subject, content, timeoutMs, handler) {
      const transport = interceptReplies()
      const token = add(timeoutMs, handler)
      transport.write(content.toPublishCommand(subject, `${inbox}.${token}`))
    },
    request(subject, payload, timeoutMs, handler) {
      interceptReplies()
      nc.publish(subject, payload, { reply: `${inbox}.${add(timeoutMs, handler)}` })
    },
    failAll() {
      const failed = [...pending.values()]
      pending.clear()
      clearInterval(timer)
      timer = undefined
      for (const { onError } of failed) onError('the connection broke while waiting for an answer')
    },
  }
}
