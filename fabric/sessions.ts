import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { joined } from '@pixelflow/core/pieces'
import type { LiveKind, Session, Sessions } from '@pixelflow/core/ports/sessions'
import type { Said, SessionHub } from './session-hub.ts'
import {
  acceptance,
  decodeJson,
  encodeJson,
  parse,
  printJson,
  words,
  type Acceptance,
  type Offer,
} from './session-wire.ts'
import { offerSubject } from './topology.ts'

/** How long an actor may take to answer before another is asked, too: one of them may hang. */
const hedgeMs = 150
/** How long to wait for any of them. */
const answerMs = 1500
/** How long to look for an actor that has room. */
const patienceMs = 10_000
/** How long to look when there is none at all: actors that are being replaced are gone for a moment. */
const absenceMs = 3000
const shortestPauseMs = 4
const longestPauseMs = 60

/** What became of an offer. */
type Answer = Session | 'full' | 'nobody' | 'silence'

/** The gateway's end of live sessions over plain NATS subjects. */
export function createSessions(hub: SessionHub): Sessions {
  const lines = new Map<LiveKind, Line>()
  // Somebody took an offer after another had.
  hub.onStray((said) => {
    const accepted = acceptanceOf(said)
    if (accepted) hub.say(accepted.inbox, printJson(words.fail, unwanted.report()))
  })

  const ask = (kind: LiveKind, opening: unknown, signal: AbortSignal): Promise<Answer> => {
    if (!hub.broker.connected) return Promise.resolve('nobody')
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
        const onEnd = () => lineOf(kind).wake()
        resolve(hub.join(session, { peer, inbox, windowIn, windowOut, onEnd }))
      })
      const timer = setTimeout(end, answerMs, 'silence')
      const hedge = setInterval(() => publish(), hedgeMs)
      const leave = () => {
        stop()
        clearTimeout(timer)
        clearInterval(hedge)
        signal.removeEventListener('abort', onAbort)
      }
      signal.addEventListener('abort', onAbort)
      const offer: Offer = { peer: hub.peer, window: windowIn, opening }
      const publish = () => hub.offer(offerSubject(kind), session, encodeJson(offer))
      publish()
    })
  }
  const lineOf = (kind: LiveKind): Line => {
    const line = lines.get(kind) ?? createLine()
    lines.set(kind, line)
    return line
  }

  return {
    async open(kind, opening, signal) {
      signal.throwIfAborted()
      const begun = performance.now()
      const line = lineOf(kind)
      // Nobody overtakes those who wait already.
      let answer: Answer = line.isEmpty ? await ask(kind, opening, signal) : 'full'
      if (typeof answer !== 'string') return answer
      const place = line.join()
      try {
        for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
          const leftMs = (answer === 'nobody' ? absenceMs : patienceMs) - (performance.now() - begun)
          if (leftMs <= 0) throw unavailable(answer)
          // The first in line asks again and again, the others wait for it.
          await place.wait(Math.min(leftMs, pauseMs), leftMs, signal)
          signal.throwIfAborted()
          if (!place.isFirst) continue
          answer = await ask(kind, opening, signal)
          if (typeof answer !== 'string') return answer
        }
      } finally {
        place.leave()
      }
    },
  }
}

/** Those who wait for room, in the order in which they came. */
interface Line {
  readonly isEmpty: boolean
  join(): Place
  /** There may be room again. */
  wake(): void
}

interface Place {
  readonly isFirst: boolean
  /** Waits so long as the first, or so long as any other; or until there may be room, or the signal aborts. */
  wait(firstMs: number, otherMs: number, signal: AbortSignal): Promise<void>
  leave(): void
}

function createLine(): Line {
  const places: { isWoken: boolean; wake: () => void }[] = []
  const wake = () => {
    const [first] = places
    if (first === undefined) return
    first.isWoken = true
    first.wake()
  }
  return {
    get isEmpty() {
      return places.length === 0
    },
    wake,
    join() {
      const own = { isWoken: false, wake: () => {} }
      places.push(own)
      const isFirst = () => places[0] === own
      return {
        get isFirst() {
          return isFirst()
        },
        async wait(firstMs, otherMs, signal) {
          const woken = new AbortController()
          own.wake = () => woken.abort()
          // It may have come while nobody waited.
          if (!own.isWoken)
            await pause(isFirst() ? firstMs : otherMs, AbortSignal.any([woken.signal, signal]))
          own.isWoken = false
        },
        leave() {
          const wasFirst = isFirst()
          places.splice(places.indexOf(own), 1)
          if (wasFirst) wake()
        },
      }
    },
  }
}

function acceptanceOf({ isAnswered, parts }: Said): Acceptance | undefined {
  if (!isAnswered) return undefined
  const { word, rest } = parse(parts)
  return word === words.accept ? acceptance.parse(decodeJson(joined(rest))) : undefined
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
