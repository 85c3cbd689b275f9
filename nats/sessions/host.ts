import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { ServedSessions, SessionHandler, LiveKind, SessionHost } from '@pixelflow/core/ports/sessions'
import { createSessionQuota } from './quota.ts'
import type { SessionEndpoint } from './endpoint.ts'
import type { SessionHub } from './hub.ts'
import { decodeJson, offer, print, printJson, messageTypes, type Acceptance, type Offer } from './messages.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { offerSubject } from '../topology/topology.ts'

/** The actor's end of live sessions over plain NATS subjects. */
export function createSessionHost(hub: SessionHub, log: Logger): SessionHost {
  return { serve: (kind, hosting) => serve(hub, log, kind, hosting) }
}

function serve(
  hub: SessionHub,
  log: Logger,
  kind: LiveKind,
  { capacity, isPaused = () => false, handle }: SessionHandler,
): ServedSessions {
  const held = new Map<SessionEndpoint, Promise<void>>()
  const quota = createSessionQuota(capacity)
  let isLeaving = false

  const accept = ({ peer, window: windowOut, opening, account }: Offer, inbox: string) => {
    // Not the name it has there: a gateway and an actor may live in one process.
    const session = nuid.next()
    const windowIn = hub.takeWindow()
    const end = hub.join(session, { peer, inbox, windowIn, windowOut })
    const acceptance: Acceptance = { inbox: hub.inboxOf(session), peer: hub.peer, window: windowIn }
    try {
      hub.say(inbox, printJson(messageTypes.accept, acceptance))
    } catch (thrown) {
      end.lose('The acceptance could not be sent.')
      throw thrown
    }
    held.set(
      end,
      hold(end, opening).finally(() => {
        held.delete(end)
        quota.give(account)
      }),
    )
  }
  const hold = async (end: SessionEndpoint, opening: unknown) => {
    try {
      await handle(opening, end)
      await end.leave()
    } catch (thrown) {
      // What has broken the session is known to both.
      if (end.broken.aborted) return
      const fault = Fault.of(thrown)
      if (fault.code === 'internal')
        log.error('a live session failed', { kind, peer: end.peer, error: fault })
      await end.fail(fault)
    }
  }

  const subscription = hub.broker.nc.subscribe(offerSubject(kind), {
    queue: kind,
    callback: (error, msg) => {
      if (error || !msg.reply) return
      const refuse = (reply: string) => hub.say(reply, print(messageTypes.full, 0))
      if (isLeaving || isPaused()) return refuse(msg.reply)
      let offered: Offer
      try {
        offered = offer.parse(decodeJson(msg.data))
      } catch (thrown) {
        return log.error('not an offer', { kind, error: thrown })
      }
      if (!quota.tryTake(offered.account)) return refuse(msg.reply)
      try {
        accept(offered, msg.reply)
      } catch (thrown) {
        quota.give(offered.account)
        log.error('session not accepted', { kind, error: thrown })
      }
    },
  })

  const drain = async (timeoutMs: number) => {
    isLeaving = true
    // Offers that are under way still get their answer.
    if (!subscription.isClosed()) await subscription.drain().catch(() => {})
    const finished = () => Promise.all(held.values())
    const enough = new AbortController()
    await Promise.race([finished(), pause(timeoutMs, enough.signal)])
    enough.abort()
    const leaving = new Fault('actor_lost', 'The actor of this session is being stopped.', {
      remedy: 'Try again.',
    })
    for (const end of held.keys()) await end.fail(leaving)
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
