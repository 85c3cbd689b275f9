import { hostname } from 'node:os'
import { nuid } from '@nats-io/nats-core'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { Broker } from '../connection/broker.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createSessionEndpoint, type SessionEndpoint } from './endpoint.ts'
import { parse, messageTypes } from './messages.ts'
import { sessionHeartbeatMs, sessionSubject, sessionSubjects } from '../topology/topology.ts'
import { parseStatus } from '../connection/wire/header-block.ts'
import type { RawMessage } from '../connection/wire/splitter.ts'
import { openRawSubscription } from '../connection/wire/raw-subscription.ts'

/**
 * What one process says and hears of all its sessions. It listens on one subject from its start to its end: in a
 * cluster a subscription made for each session would not be known everywhere before the first answer comes.
 */
export interface SessionHub extends AsyncDisposable {
  readonly broker: Broker
  /** How others see this process. */
  readonly peer: string
  /** Where this process hears what belongs to a session. */
  inboxOf(session: string): string
  /** Calls back with what is said to a session that has no end here yet; returns the function that stops it. */
  await(session: string, hear: (said: SessionReply) => void): () => void
  /** Calls back with acceptances that come too late, and with what is said to sessions that nobody here knows. */
  onStray(hear: (said: SessionReply) => void): void
  say(inbox: string, message: readonly Uint8Array[]): void
  /** Offers a session; answers come to its inbox. */
  offer(subject: string, session: string, offer: Uint8Array): void
  /** Bytes that the next session may be sent unread; to be given to `join`, or back. */
  takeWindow(): number
  giveWindow(window: number): void
  /** Makes this process's end of a session, and hears for it until it ends. */
  join(session: string, other: RemoteEndpoint): SessionEndpoint
}

/** What is said to a session that has no end here. */
export interface SessionReply {
  /** False when the broker says that nobody listens. */
  readonly isAnswered: boolean
  readonly parts: readonly Uint8Array[]
}

/** The other end, and what was agreed with it. */
export interface RemoteEndpoint {
  readonly peer: string
  readonly inbox: string
  readonly windowIn: number
  readonly windowOut: number
  readonly onEnd?: () => void
}

/** Pieces are no longer than this, so that a sign of life never waits long behind one. */
const longestPiece = 512 * 1024
const tickMs = 250
/** What every session gets, and what some get on top while there is any: the broker drops whoever lags by 64 MiB. */
const leastWindow = 2 ** 20
const extraWindow = 3 * 2 ** 20
const extraWindows = 24 * 2 ** 20

export function createSessionHub(broker: Broker): SessionHub {
  const own = nuid.next()
  const peer = `${hostname()}.${process.pid}`
  const ends = new Map<string, SessionEndpoint>()
  const awaited = new Map<string, (said: SessionReply) => void>()
  const extra = createByteBudget(extraWindows)
  let stray: (said: SessionReply) => void = () => {}
  let ticking: NodeJS.Timeout | undefined

  const hear = ({ subject, headerBlock, parts }: RawMessage) => {
    const session = subject.slice(subject.lastIndexOf('.') + 1)
    const isAnswered = parseStatus(headerBlock).code !== 503
    const end = ends.get(session)
    if (end === undefined) return (awaited.get(session) ?? stray)({ isAnswered, parts })
    // Of the broker: nobody listens where we have asked for a sign of life.
    if (!isAnswered) return end.lose('The process is gone.')
    try {
      const message = parse(parts)
      if (message.word === messageTypes.accept) stray({ isAnswered, parts })
      // The answer of another actor that was asked, too, before this session began.
      else if (message.word === messageTypes.full) return
      else end.hear(message, totalLength(parts))
    } catch {
      end.lose('It said something that is not a message of ours.')
    }
  }
  const subscription = openRawSubscription(broker.nc, sessionSubjects(own), hear)
  // What was under way is gone, and who was spoken to may be, too.
  const stopListening = broker.onDisconnect(() => {
    for (const end of ends.values()) end.lose('The broker was lost.')
  })

  const tick = (due: number) => {
    const now = performance.now()
    // After a standstill of our own, what others have said meanwhile has yet to be read.
    if (now < due + sessionHeartbeatMs) for (const end of ends.values()) end.pulse(now)
    ticking = ends.size === 0 ? undefined : setTimeout(() => tick(now + tickMs), tickMs)
  }

  return {
    broker,
    peer,
    inboxOf: (session) => sessionSubject(own, session),
    await(session, hear) {
      awaited.set(session, hear)
      return () => awaited.delete(session)
    },
    onStray(hear) {
      stray = hear
    },
    say: subscription.publish,
    offer(subject, session, offer) {
      const reply = sessionSubject(own, session)
      if (!broker.nc.isClosed()) broker.nc.publish(subject, offer, { reply })
    },
    takeWindow: () => leastWindow + (extra.tryTake(extraWindow) ? extraWindow : 0),
    giveWindow(window) {
      if (window > leastWindow) extra.give(window - leastWindow)
    },
    join(session, other) {
      const { peer, inbox, windowIn, windowOut, onEnd } = other
      const end = createSessionEndpoint({
        peer,
        windowIn,
        windowOut,
        maxMessageBytes: Math.min(longestPiece, (broker.nc.info?.max_payload ?? 2 ** 20) - 1024),
        say: (message, isAsking) =>
          subscription.publish(inbox, message, isAsking ? sessionSubject(own, session) : undefined),
        onEnd: () => {
          ends.delete(session)
          if (windowIn > leastWindow) extra.give(windowIn - leastWindow)
          onEnd?.()
        },
      })
      ends.set(session, end)
      ticking ??= setTimeout(tick, tickMs, performance.now() + tickMs)
      return end
    },
    async [Symbol.asyncDispose]() {
      stopListening()
      for (const end of ends.values()) await end[Symbol.asyncDispose]()
      for (const end of ends.values()) end.lose('This process is stopping.')
      clearTimeout(ticking)
      subscription[Symbol.dispose]()
    },
  }
}
