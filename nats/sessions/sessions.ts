import { nuid } from '@nats-io/nats-core'
import { backoffMs } from '@pixelflow/core/backoff'
import { Fault } from '@pixelflow/core/fault'
import { concatBytes } from '@pixelflow/core/concat-bytes'
import type { LiveKind, Session, Sessions } from '@pixelflow/core/ports/sessions'
import type { SessionReply, SessionHub } from './hub.ts'
import { createSessionQueue, type SessionQueue } from './wait-queue.ts'
import {
  acceptance,
  decodeJson,
  encodeJson,
  parse,
  printJson,
  messageTypes,
  type Acceptance,
  type Offer,
} from './messages.ts'
import { countAsWait } from '../jetstream/store-timeout.ts'
import { offerSubject } from '../topology/topology.ts'

/** How long an actor may take to answer before another is asked, too: one of them may hang. */
const hedgeMs = 150
/** How long to wait for any of them. */
const answerMs = 1500
/** How long to look for an actor that has room, as far as the store timeout of the call allows it. */
const patienceMs = 10_000
/** How long to look when there is none at all: actors that are being replaced are gone for a moment. */
const absenceMs = 3000
const backoff = { initialMs: 4, maxMs: 60 }

/** What became of an offer. */
type Answer = Session | 'full' | 'nobody' | 'silence'

/** The gateway's end of live sessions over plain NATS subjects. */
export function createSessions(hub: SessionHub): Sessions {
  const queues = new Map<LiveKind, SessionQueue>()
  // Somebody took an offer after another had.
  hub.onStray((said) => {
    const accepted = acceptanceOf(said)
    if (accepted) hub.say(accepted.inbox, printJson(messageTypes.fail, unwanted.report()))
  })

  const ask = (
    kind: LiveKind,
    account: string,
    opening: unknown,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    if (!hub.broker.isConnected) return Promise.resolve('nobody')
    const session = nuid.next()
    const windowIn = hub.takeWindow()
    return new Promise((resolve, reject) => {
      const end = (answer: Exclude<Answer, Session>) => {
        leave()
        hub.giveWindow(windowIn)
        resolve(answer)
      }
      const onAbort = () => {
        leave()
        hub.giveWindow(windowIn)
        reject(signal.reason)
      }
      const stop = hub.await(session, (said) => {
        const accepted = acceptanceOf(said)
        if (!accepted) return end(said.isAnswered ? 'full' : 'nobody')
        leave()
        const { peer, inbox, window: windowOut } = accepted
        const onEnd = () => queueOf(kind).wake()
        resolve(hub.join(session, { peer, inbox, windowIn, windowOut, onEnd }))
      })
      const timer = setTimeout(end, timeoutMs, 'silence')
      const hedge = setInterval(() => publish(), hedgeMs)
      const leave = () => {
        stop()
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
  const queueOf = (kind: LiveKind): SessionQueue => {
    const queue = queues.get(kind) ?? createSessionQueue()
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
    const askOnce = () => ask(kind, account, opening, Math.min(answerMs, Math.max(0, callLeftMs())), signal)
    // Nothing overtakes what waits already of the same account.
    let answer: Answer = queue.isEmptyFor(account) ? await askOnce() : 'full'
    if (typeof answer !== 'string') return answer
    const entry = queue.join(account)
    try {
      for (let refusals = 1; ; refusals += 1) {
        const longestMs = answer === 'nobody' ? absenceMs : patienceMs
        const leftMs = Math.min(longestMs - (performance.now() - begun), callLeftMs())
        if (leftMs <= 0) throw unavailable(answer)
        // The first of each account asks again and again, the others wait for it.
        await entry.wait(Math.min(leftMs, backoffMs(refusals, backoff)), leftMs, signal)
        signal.throwIfAborted()
        if (!entry.isFirst) continue
        answer = await askOnce()
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

function acceptanceOf({ isAnswered, parts }: SessionReply): Acceptance | undefined {
  if (!isAnswered) return undefined
  const { word, rest } = parse(parts)
  return word === messageTypes.accept ? acceptance.parse(decodeJson(concatBytes(rest))) : undefined
}

const unwanted = new Fault('cancelled', 'Somebody else has taken this session.')

function unavailable(answer: Exclude<Answer, Session>): Fault {
  if (answer === 'nobody') {
    // Whether there is none, or those that are there do nothing of the kind, is the same from here.
    return new Fault(
      'unavailable',
      'No process that works on images while their callers wait is there just now.',
      {
        remedy:
          'Make a task instead, which waits for its turn; an operator starts an actor with PIXELFLOW_LIVE_CONCURRENCY above 0.',
        retryAfterMs: 1000,
      },
    )
  }
  return new Fault('unavailable', 'Every process that works on images is busy just now.', {
    remedy: 'Try again in a moment, or make a task, which waits for its turn.',
    retryAfterMs: 1000,
  })
}
