import { nuid } from '@nats-io/nats-core'
import { backoffMs } from '@pixelflow/core/backoff'
import { Fault } from '@pixelflow/core/fault'
import { concatBytes } from '@pixelflow/core/concat-bytes'
import type { LiveKind } from '@pixelflow/core/actor-kinds'
import type { Session, Sessions } from '@pixelflow/core/ports/sessions'
import type { SessionReply, SessionHub } from './session-hub.ts'
import { createWaitQueue, type WaitQueue } from './wait-queue.ts'
import {
  acceptMessage,
  decodeJson,
  encodeJson,
  decodeMessage,
  encodeJsonMessage,
  messageTypes,
  type AcceptMessage,
  type Offer,
} from './messages.ts'
import { countAsWait } from '../jetstream/store-timeout.ts'
import { offerSubject } from '../topology/subjects.ts'

/** Time after which a second actor gets the offer as well: the first may hang. */
const hedgeMs = 150
/** Timeout of an offer. */
const answerTimeoutMs = 1500
/** Timeout of the search for an actor with capacity; the store timeout of the call applies as well. */
const busyTimeoutMs = 10_000
/** The same when no actor runs: during a rolling update there may be none for a moment. */
const absentTimeoutMs = 3000
const backoff = { initialMs: 4, maxMs: 60 }

/** The outcome of an offer. */
type Answer = Session | 'busy' | 'no responders' | 'timeout'

/** The gateway's side of live sessions, over core NATS subjects. */
export function createSessions(hub: SessionHub): Sessions {
  const queues = new Map<LiveKind, WaitQueue>()
  // A second actor has accepted an offer.
  hub.onUnexpected((reply) => {
    const accepted = readAcceptMessage(reply)
    if (accepted) hub.publish(accepted.inbox, encodeJsonMessage(messageTypes.error, unwanted.report()))
  })

  const offerSession = (
    kind: LiveKind,
    account: string,
    opening: unknown,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    if (!hub.broker.isConnected) return Promise.resolve('no responders')
    const session = nuid.next()
    const windowIn = hub.acquireWindow()
    return new Promise((resolve, reject) => {
      const settle = (answer: Exclude<Answer, Session>) => {
        stopWaiting()
        hub.releaseWindow(windowIn)
        resolve(answer)
      }
      const onAbort = () => {
        stopWaiting()
        hub.releaseWindow(windowIn)
        reject(signal.reason)
      }
      const stopListening = hub.onReply(session, (reply) => {
        const accepted = readAcceptMessage(reply)
        if (!accepted) return settle(reply.isAnswered ? 'busy' : 'no responders')
        stopWaiting()
        const { peer, inbox, wantsFrames, window: windowOut } = accepted
        const oneWay = wantsFrames ? undefined : 'receiver'
        const onEnd = () => queueOf(kind).wake()
        resolve(hub.createEndpoint(session, { peer, inbox, oneWay, windowIn, windowOut, onEnd }))
      })
      const timer = setTimeout(settle, timeoutMs, 'timeout')
      const hedge = setInterval(() => publish(), hedgeMs)
      const stopWaiting = () => {
        stopListening()
        clearTimeout(timer)
        clearInterval(hedge)
        signal.removeEventListener('abort', onAbort)
      }
      signal.addEventListener('abort', onAbort)
      const offer: Offer = { peer: hub.peer, window: windowIn, opening, account }
      const publish = () => hub.offer(offerSubject(kind), session, encodeJson(offer))
      publish()
    })
  }
  const queueOf = (kind: LiveKind): WaitQueue => {
    const queue = queues.get(kind) ?? createWaitQueue()
    queues.set(kind, queue)
    return queue
  }

  const search = async (
    kind: LiveKind,
    account: string,
    opening: unknown,
    signal: AbortSignal,
    callLeftMs: () => number,
  ): Promise<Session> => {
    const begun = performance.now()
    const queue = queueOf(kind)
    const offerOnce = () =>
      offerSession(kind, account, opening, Math.min(answerTimeoutMs, Math.max(0, callLeftMs())), signal)
    // A new call must not overtake waiting calls of its account.
    let answer: Answer = queue.isEmptyFor(account) ? await offerOnce() : 'busy'
    if (typeof answer !== 'string') return answer
    const entry = queue.join(account)
    try {
      for (let refusals = 1; ; refusals += 1) {
        const longestMs = answer === 'no responders' ? absentTimeoutMs : busyTimeoutMs
        const leftMs = Math.min(longestMs - (performance.now() - begun), callLeftMs())
        if (leftMs <= 0) throw unavailable(answer)
        // The first call of each account retries; the others wait for it.
        await entry.wait(Math.min(leftMs, backoffMs(refusals, backoff)), leftMs, signal)
        signal.throwIfAborted()
        if (!entry.isFirst) continue
        answer = await offerOnce()
        if (typeof answer !== 'string') return answer
      }
    } finally {
      entry.leave()
    }
  }

  return {
    async open(kind, opening, signal, account = '') {
      signal.throwIfAborted()
      // The offers go through the broker: a call that looks for an actor twice has one limit for both.
      return countAsWait((leftMs) => search(kind, account, opening, signal, leftMs))
    },
  }
}

function readAcceptMessage({ isAnswered, chunks }: SessionReply): AcceptMessage | undefined {
  if (!isAnswered) return undefined
  const { type, rest } = decodeMessage(chunks)
  return type === messageTypes.accept ? acceptMessage.parse(decodeJson(concatBytes(rest))) : undefined
}

const unwanted = new Fault('cancelled', 'Another actor has accepted this session.', {
  remedy: 'Wait for the next offer.',
})

function unavailable(answer: Exclude<Answer, Session>): Fault {
  if (answer === 'no responders') {
    // Either no actor runs, or none serves this kind.
    return new Fault('unavailable', 'No actor for synchronous processing is running.', {
      remedy:
        'Create a task instead, which waits in the queue. An operator has to start an actor with PIXELFLOW_LIVE_CONCURRENCY above 0.',
      retryAfterMs: 1000,
    })
  }
  return new Fault('unavailable', 'All actors are busy.', {
    remedy: 'Try again in a moment, or create a task, which waits in the queue.',
    retryAfterMs: 1000,
  })
}
