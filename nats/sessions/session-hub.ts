import { hostname } from 'node:os'
import { nuid } from '@nats-io/nats-core'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { Broker } from '../connection/broker.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import {
  createSessionEndpoint,
  type SessionEndpoint,
  type SessionEndpointOptions,
} from './session-endpoint.ts'
import { decodeMessage, messageTypes } from './messages.ts'
import { sessionHeartbeatMs } from './heartbeat.ts'
import { sessionSubject, sessionSubjects } from '../topology/subjects.ts'
import { parseStatus } from '../connection/wire/parse-headers.ts'
import type { RawMessage } from '../connection/wire/raw-message.ts'
import { openRawSubscription } from '../connection/wire/raw-subscription.ts'

/**
 * The messages of all sessions of a process. It has one subscription for its whole life: in a cluster, a subscription of a
 * new session might not be known everywhere before the first answer comes.
 *
 * Sessions are hand-written because NATS has request/reply and streams, but no bidirectional stream with flow control that
 * bypasses storage. No upstream issue is known. Remove them when such a transport passes `testkit/contracts/sessions.ts`.
 */
export interface SessionHub extends AsyncDisposable {
  readonly broker: Broker
  /** The name of this process for the other side. */
  readonly peer: string
  /** The subject on which this process receives the messages of a session. */
  inboxOf(session: string): string
  /** Calls back with replies to an offer; returns a function that unsubscribes. */
  onReply(session: string, callback: (reply: SessionReply) => void): () => void
  /** Calls back with late accept messages and with messages to unknown sessions. */
  onUnexpected(callback: (reply: SessionReply) => void): void
  publish(inbox: string, message: readonly Uint8Array[]): void
  /** Publishes an offer; replies come to the session's inbox. */
  offer(subject: string, session: string, offer: Uint8Array): void
  /** A receive window in bytes for the next session; pass it to `createEndpoint`, or release it. */
  acquireWindow(): number
  releaseWindow(window: number): void
  /** Creates this process's side of a session and delivers messages to it until it ends. */
  createEndpoint(session: string, remote: RemoteEndpoint): SessionEndpoint
}

/** A message to a session without an endpoint here. */
export interface SessionReply {
  /** False when the broker reports that the subject has no responders. */
  readonly isAnswered: boolean
  readonly chunks: readonly Uint8Array[]
}

/** The other side and the agreed windows. */
export interface RemoteEndpoint {
  readonly peer: string
  readonly inbox: string
  readonly oneWay?: SessionEndpointOptions['oneWay']
  readonly windowIn: number
  readonly windowOut: number
  readonly onEnd?: () => void
}

/** Maximum message size, so that a heartbeat never waits long behind a message. */
const maxPieceBytes = 512 * 1024
const tickMs = 250
/**
 * Every session gets the minimum window, and some get extra while it lasts: the broker disconnects a client with more than
 * 64 MiB pending.
 */
const minWindow = 2 ** 20
const extraWindow = 3 * 2 ** 20
const totalExtraWindow = 24 * 2 ** 20

export function createSessionHub(broker: Broker): SessionHub {
  const processId = nuid.next()
  const peer = `${hostname()}.${process.pid}`
  const endpoints = new Map<string, SessionEndpoint>()
  const replyCallbacks = new Map<string, (reply: SessionReply) => void>()
  const extra = createByteBudget(totalExtraWindow)
  let onUnexpected: (reply: SessionReply) => void = () => {}
  let ticking: NodeJS.Timeout | undefined

  const onMessage = ({ subject, headerBlock, chunks }: RawMessage) => {
    const session = subject.slice(subject.lastIndexOf('.') + 1)
    const isAnswered = parseStatus(headerBlock).code !== 503
    const endpoint = endpoints.get(session)
    if (endpoint === undefined) return (replyCallbacks.get(session) ?? onUnexpected)({ isAnswered, chunks })
    // The broker's answer to a heartbeat: the other side has no subscription.
    if (!isAnswered) return endpoint.breakSession('The process is gone.')
    try {
      const message = decodeMessage(chunks)
      if (message.type === messageTypes.accept) onUnexpected({ isAnswered, chunks })
      // From another actor that was also offered this session.
      else if (message.type === messageTypes.busy) return
      else endpoint.receive(message, totalLength(chunks))
    } catch {
      endpoint.breakSession('It sent an invalid message.')
    }
  }
  const subscription = openRawSubscription(broker.nc, sessionSubjects(processId), onMessage)
  // Messages in flight are lost, and the other process may be gone.
  const stopListening = broker.onDisconnect(() => {
    for (const endpoint of endpoints.values()) endpoint.breakSession('The connection to the broker was lost.')
  })

  const tick = (due: number) => {
    const now = performance.now()
    // After a pause of this process, received messages must be read before heartbeats are judged.
    if (now < due + sessionHeartbeatMs)
      for (const endpoint of endpoints.values()) endpoint.checkHeartbeat(now)
    ticking = endpoints.size === 0 ? undefined : setTimeout(() => tick(now + tickMs), tickMs)
  }

  return {
    broker,
    peer,
    inboxOf: (session) => sessionSubject(processId, session),
    onReply(session, callback) {
      replyCallbacks.set(session, callback)
      return () => replyCallbacks.delete(session)
    },
    onUnexpected(callback) {
      onUnexpected = callback
    },
    publish: subscription.publish,
    offer(subject, session, offer) {
      const reply = sessionSubject(processId, session)
      if (!broker.nc.isClosed()) broker.nc.publish(subject, offer, { reply })
    },
    acquireWindow: () => minWindow + (extra.tryAcquire(extraWindow) ? extraWindow : 0),
    releaseWindow(window) {
      if (window > minWindow) extra.release(window - minWindow)
    },
    createEndpoint(session, remote) {
      const { peer, inbox, oneWay, windowIn, windowOut, onEnd } = remote
      const endpoint = createSessionEndpoint({
        peer,
        oneWay,
        windowIn,
        windowOut,
        maxMessageBytes: Math.min(maxPieceBytes, (broker.nc.info?.max_payload ?? 2 ** 20) - 1024),
        publish: (message, wantsReceipt) =>
          subscription.publish(inbox, message, wantsReceipt ? sessionSubject(processId, session) : undefined),
        onEnd: () => {
          endpoints.delete(session)
          if (windowIn > minWindow) extra.release(windowIn - minWindow)
          onEnd?.()
        },
      })
      endpoints.set(session, endpoint)
      ticking ??= setTimeout(tick, tickMs, performance.now() + tickMs)
      return endpoint
    },
    async [Symbol.asyncDispose]() {
      stopListening()
      for (const endpoint of endpoints.values()) await endpoint[Symbol.asyncDispose]()
      for (const endpoint of endpoints.values()) endpoint.breakSession('This process is stopping.')
      clearTimeout(ticking)
      subscription[Symbol.dispose]()
    },
  }
}
