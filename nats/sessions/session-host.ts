import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { LiveKind } from '@pixelflow/core/actor-kinds'
import type { ServedSessions, SessionHandler, SessionHost } from '@pixelflow/core/ports/sessions'
import { createSessionQuota } from './session-quota.ts'
import type { SessionEndpoint } from './session-endpoint.ts'
import type { SessionHub } from './session-hub.ts'
import {
  decodeJson,
  offer,
  encodeMessage,
  encodeJsonMessage,
  messageTypes,
  type AcceptMessage,
  type Offer,
} from './messages.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { offerSubject } from '../topology/subjects.ts'

/** The actor's side of live sessions, over core NATS subjects. */
export function createSessionHost(hub: SessionHub, log: Logger): SessionHost {
  return { serve: (kind, hosting) => serve(hub, log, kind, hosting) }
}

function serve(
  hub: SessionHub,
  log: Logger,
  kind: LiveKind,
  { capacity, isPaused = () => false, wantsFrames = () => true, handle }: SessionHandler,
): ServedSessions {
  const held = new Map<SessionEndpoint, Promise<void>>()
  const quota = createSessionQuota(capacity)
  let isDraining = false

  const accept = ({ peer, window: windowOut, opening, account }: Offer, inbox: string) => {
    // A new id: a gateway and an actor may run in one process.
    const session = nuid.next()
    const isOneWay = !wantsFrames(opening)
    const windowIn = hub.acquireWindow()
    const acceptMessage: AcceptMessage = {
      inbox: hub.inboxOf(session),
      peer: hub.peer,
      window: windowIn,
      wantsFrames: !isOneWay,
    }
    const oneWay = isOneWay ? 'sender' : undefined
    const endpoint = hub.createEndpoint(session, { peer, inbox, oneWay, windowIn, windowOut })
    try {
      hub.publish(inbox, encodeJsonMessage(messageTypes.accept, acceptMessage))
    } catch (thrown) {
      endpoint.breakSession('The accept message could not be sent.')
      throw thrown
    }
    held.set(
      endpoint,
      runHandler(endpoint, opening).finally(() => {
        held.delete(endpoint)
        quota.release(account)
      }),
    )
  }
  const runHandler = async (endpoint: SessionEndpoint, opening: unknown) => {
    try {
      await handle(opening, endpoint)
      await endpoint.leave()
    } catch (thrown) {
      // Both sides know the reason of a broken session.
      if (endpoint.broken.aborted) return
      const fault = Fault.of(thrown)
      if (fault.code === 'internal')
        log.error('live session failed', { kind, peer: endpoint.peer, error: fault })
      await endpoint.fail(fault)
    }
  }

  const subscription = hub.broker.nc.subscribe(offerSubject(kind), {
    queue: kind,
    callback: (error, msg) => {
      if (error || !msg.reply) return
      const reject = (reply: string) => hub.publish(reply, encodeMessage(messageTypes.busy, 0))
      if (isDraining || isPaused()) return reject(msg.reply)
      let offered: Offer
      try {
        offered = offer.parse(decodeJson(msg.data))
      } catch (thrown) {
        return log.error('invalid session offer', { kind, error: thrown })
      }
      if (!quota.tryAcquire(offered.account)) return reject(msg.reply)
      try {
        accept(offered, msg.reply)
      } catch (thrown) {
        quota.release(offered.account)
        log.error('session offer not accepted', { kind, error: thrown })
      }
    },
  })

  const drain = async (timeoutMs: number) => {
    isDraining = true
    // Offers in flight still get an answer.
    if (!subscription.isClosed()) await subscription.drain().catch(() => {})
    const finished = () => Promise.all(held.values())
    const allFinished = new AbortController()
    await Promise.race([finished(), pause(timeoutMs, allFinished.signal)])
    allFinished.abort()
    const stopping = new Fault('actor_lost', 'The actor of this session is stopping.', {
      remedy: 'Try again.',
    })
    for (const endpoint of held.keys()) await endpoint.fail(stopping)
    await finished()
  }

  return {
    get held() {
      return held.size
    },
    drain,
    [Symbol.asyncDispose]: () => drain(0),
  }
}
