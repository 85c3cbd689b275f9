import type { Lane } from '@pixelflow/core/job'
import type { Broker } from '../connection/broker.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'
import type { Delivery } from './delivery.ts'
import { pull, type Pull, type PullEnd, type PullRequest } from './pull.ts'

/** Lets any number of callers wait for the next delivery of several consumers, one for each lane. */
export interface PullMultiplexer {
  /**
   * The next delivery of any lane, or of one; undefined when the signal aborts first. Callers are served in order, callers
   * for one lane before the others, so that these stay free for all lanes.
   */
  next(signal: AbortSignal, only?: Lane): Promise<Delivery | undefined>
}

export interface LaneRequest {
  readonly lane: Lane
  readonly stream: string
  readonly consumer: string
  /** How long one request waits for a delivery, in milliseconds. */
  readonly waitMs: number
}

interface Caller {
  readonly only: Lane | undefined
  readonly serve: (delivery: Delivery) => void
}

/**
 * What is known of a lane: nothing (`idle`); nothing yet, because a request that asks for what exists now is unanswered
 * (`looking`); that it is empty, because a request that waits for a delivery is unanswered (`waiting`); or that the broker
 * does not serve it at the moment (`failing`).
 */
type LaneState = 'idle' | 'looking' | 'waiting' | 'failing'

interface LanePull extends LaneRequest {
  state: LaneState
  pull?: Pull
}

/**
 * Requests a lane only while all more urgent lanes are empty, and while a caller could take a delivery of it: a request is
 * withdrawn when the last such caller has left. Two lanes may both deliver when only one caller is left; the surplus is
 * returned at once.
 * @param requests the most urgent lane first.
 */
export function createPullMultiplexer(broker: Broker, requests: readonly LaneRequest[]): PullMultiplexer {
  const callers: Caller[] = []
  const lanes = requests.map((request): LanePull => ({ ...request, state: 'idle' }))

  const callersOf = (lane: LanePull) =>
    callers.reduce((count, { only }) => (only === undefined || only === lane.lane ? count + 1 : count), 0)

  const deliver = (lane: LanePull, delivery: Delivery) => {
    const special = callers.findIndex(({ only }) => only === lane.lane)
    const at = special === -1 ? callers.findIndex(({ only }) => only === undefined) : special
    if (at === -1) delivery.nak(0)
    else callers.splice(at, 1)[0]?.serve(delivery)
  }

  const open = (lane: LanePull, state: 'looking' | 'waiting') => {
    const { stream, consumer, waitMs } = lane
    const request: PullRequest =
      state === 'waiting'
        ? { stream, consumer, batch: 1, expiresMs: waitMs }
        : { stream, consumer, batch: callersOf(lane), expiresMs: 0 }
    const opened = pull(broker, request, (delivery) => {
      deliver(lane, delivery)
      if (state === 'waiting') onEnd('filled')
      update()
    })
    const onEnd = (end: PullEnd) => {
      // Withdrawn, or ended before.
      if (lane.pull !== opened) return
      delete lane.pull
      lane.state = 'idle'
      if (end === 'disconnected' || end === 'refused') void pauseLane(lane)
      else if (end === 'expired' && state === 'looking' && callersOf(lane) > 0) open(lane, 'waiting')
    }
    lane.state = state
    lane.pull = opened
    void opened.ended.then(onEnd).then(update)
  }

  const pauseLane = async (lane: LanePull) => {
    lane.state = 'failing'
    await waitForBroker(broker)
    lane.state = 'idle'
    update()
  }

  const withdraw = (lane: LanePull) => {
    if (lane.state !== 'waiting') return
    void lane.pull?.withdraw()
    delete lane.pull
    lane.state = 'idle'
  }

  /** Opens and withdraws requests for the present callers. */
  const update = () => {
    for (const [at, lane] of lanes.entries()) {
      if (callersOf(lane) === 0) withdraw(lane)
      else if (lane.state === 'looking') return
      else if (lane.state === 'idle') {
        const isAwaited = lanes.slice(at + 1).some((other) => other.state === 'idle' && callersOf(other) > 0)
        open(lane, isAwaited ? 'looking' : 'waiting')
        if (isAwaited) return
      }
    }
  }

  return {
    next(signal, only) {
      if (signal.aborted) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const leave = () => {
          callers.splice(callers.indexOf(caller), 1)
          update()
          resolve(undefined)
        }
        const caller: Caller = {
          only,
          serve(delivery) {
            signal.removeEventListener('abort', leave)
            resolve(delivery)
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        callers.push(caller)
        update()
      })
    },
  }
}
