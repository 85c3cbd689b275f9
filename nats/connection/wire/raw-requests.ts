import { createInbox, type NatsConnection } from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import type { Chunk } from './chunk.ts'
import type { RawMessage } from './splitter.ts'
import { WireTransport } from './wire-transport.ts'

/** What is said to an exchange that is under way. */
export interface ReplyHandler {
  /** An answer; true when it was the last one. */
  readonly hear: (message: RawMessage) => boolean
  /** There will be no answer (any more). */
  readonly fail: (why: string) => void
}

/** The byte side of a connection: content goes to the socket, and comes from it, without a copy in between. */
export interface Lane {
  /** Publishes content with a reply subject of its own. Silence for `timeoutMs`, or a break, fails the exchange. */
  put(subject: string, content: Chunk, timeoutMs: number, listener: ReplyHandler): void
  /** Publishes a small question likewise. */
  ask(subject: string, question: string, timeoutMs: number, listener: ReplyHandler): void
  /** Fails all that is under way. */
  break(): void
}

interface Exchange extends ReplyHandler {
  readonly timeoutMs: number
  deadline: number
}

/** How often silence is looked for, in milliseconds: a timer for each chunk would cost more than the chunk. */
const lookEveryMs = 250

export function createRawRequests(nc: NatsConnection): Lane {
  const inbox = createInbox()
  const underWay = new Map<string, Exchange>()
  let last = 0
  let timer: ReturnType<typeof setInterval> | undefined
  // At once, so that the server knows of it long before the first command goes past the library's buffers. The library
  // subscribes anew after a break; what it is told to hear is taken out before it can.
  const sid = nc.subscribe(`${inbox}.*`, { callback: () => {} }).getID()

  const settle = (token: string) => {
    underWay.delete(token)
    if (underWay.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const hear = (message: RawMessage) => {
    const token = message.subject.slice(inbox.length + 1)
    const exchange = underWay.get(token)
    if (exchange === undefined) return
    exchange.deadline = performance.now() + exchange.timeoutMs
    try {
      if (exchange.hear(message)) settle(token)
    } catch {
      // Thrown further it would end the connection, and everybody else's exchanges with it.
      settle(token)
      exchange.fail('an answer that cannot be read')
    }
  }
  const look = () => {
    const now = performance.now()
    for (const [token, { deadline, fail }] of underWay) {
      if (deadline > now) continue
      settle(token)
      fail('no answer in time')
    }
  }
  const begin = (timeoutMs: number, listener: ReplyHandler): string => {
    last += 1
    const token = last.toString(36)
    underWay.set(token, { ...listener, timeoutMs, deadline: performance.now() + timeoutMs })
    timer ??= setInterval(look, lookEveryMs)
    return token
  }
  const wire = (): WireTransport => {
    // Made anew by each reconnect.
    const { transport } = (nc as NatsConnectionImpl).protocol
    if (!(transport instanceof WireTransport)) throw new Error('the connection was dialled without its lane')
    transport.splitter.divert(sid, hear)
    return transport
  }

  return {
    put(subject, content, timeoutMs, listener) {
      const transport = wire()
      const token = begin(timeoutMs, listener)
      transport.write(content.publish(subject, `${inbox}.${token}`))
    },
    ask(subject, question, timeoutMs, listener) {
      wire()
      nc.publish(subject, question, { reply: `${inbox}.${begin(timeoutMs, listener)}` })
    },
    break() {
      const broken = [...underWay.values()]
      underWay.clear()
      clearInterval(timer)
      timer = undefined
      for (const { fail } of broken) fail('the connection broke while waiting for an answer')
    },
  }
}
