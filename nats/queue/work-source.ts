import type { DeadLetter } from '@pixelflow/core/dead-letter'
import { job, lanes, type ActorKind, type Lane } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Lease, WorkSource } from '@pixelflow/core/ports/queue'
import { Unreachable, type Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { pull, type PullRequest } from '../jetstream/pull.ts'
import { schedule } from './retries.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { attemptsHeader, extendEveryMs, jobOfSubject, streams, workConsumer } from '../topology/topology.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'
import { createPullMultiplexer, type PullMultiplexer } from '../jetstream/pull-multiplexer.ts'

const waitMs = 30_000

/**
 * Takes jobs out of the work-queue stream: from the lanes in their order as long as they have any, and when none has,
 * waits on all of them at once.
 */
export function createWorkSource(
  broker: Broker,
  clock: Clock,
  deadLetters: Pick<DeadLetters, 'put'>,
  log: Logger,
): WorkSource {
  const rooms = new Map<string, PullMultiplexer>()
  const roomOf = (kind: ActorKind, only?: Lane): PullMultiplexer => {
    const name = `${kind} ${only ?? 'any'}`
    const asked = only ? [only] : lanes
    const made = () =>
      createPullMultiplexer(broker, new Map(asked.map((lane) => [lane, requestOf(kind, lane, waitMs)])))
    const room = rooms.get(name) ?? made()
    rooms.set(name, room)
    return room
  }

  /** A job that is there already, the most urgent first. */
  const takeNow = async (kind: ActorKind, signal: AbortSignal, only?: Lane) => {
    for (const lane of only ? [only] : lanes) {
      let taken: Delivery | undefined
      const end = await pull(broker, requestOf(kind, lane, 0), (delivery) => (taken = delivery)).ended
      if (!signal.aborted && taken) return taken
      if (taken) roomOf(kind, only).redirect(taken)
      if (signal.aborted) return undefined
      if (end === 'disconnected' || end === 'refused') await waitForBroker(broker, signal)
    }
    return undefined
  }

  /** What no actor can ever work on is kept where operators find it, and then leaves the queue. */
  const bury = async (delivery: Delivery): Promise<void> => {
    log.error('not a job', { subject: delivery.subject })
    try {
      await deadLetters.put(letterOf(delivery, new Date(clock.now())))
      await delivery.confirm()
    } catch (error) {
      log.warn('what is no job could not be taken out of the queue', { subject: delivery.subject, error })
      delivery.nak(5000)
    }
  }

  return {
    async next(kind, signal, only) {
      while (!signal.aborted) {
        const delivery = (await takeNow(kind, signal, only)) ?? (await roomOf(kind, only).next(signal))
        if (!delivery) continue
        const lease = leaseOf(broker, clock, delivery)
        if (lease) return lease
        void bury(delivery)
      }
      return null
    },
  }
}

function requestOf(kind: ActorKind, lane: Lane, expiresMs: number): PullRequest {
  return { stream: streams.jobs, consumer: workConsumer(kind, lane), batch: 1, expiresMs }
}

function letterOf({ subject, attempt }: Delivery, at: Date): DeadLetter {
  const { kind = '', lane = '', account = '', task = '', stage = '' } = jobOfSubject(subject)
  const report = { code: 'incompatible_record', detail: 'The queue held something that is no job.' } as const
  const cause = { report, private: subject }
  return { kind, lane, account, task, stage, cause, attempts: attempt - 1, at: at.toISOString() }
}

function leaseOf(broker: Broker, clock: Clock, delivery: Delivery): Lease | undefined {
  const { success, data } = job.safeParse(jobOfSubject(delivery.subject))
  if (!success) return undefined
  const before = Number(delivery.header(attemptsHeader) ?? 0)
  // The event log says whether the work is over; a lost acknowledgement only makes somebody look there again.
  const done = () =>
    retryUnreachable(() => delivery.confirm(), { timeoutMs: 5000 }).catch((thrown: unknown) => {
      if (!(thrown instanceof Unreachable)) throw thrown
    })
  return {
    job: data,
    attempt: before + delivery.attempt,
    extendEveryMs,
    async extend() {
      delivery.extend()
    },
    done,
    async retry(delayMs, attempts) {
      // In this order: whoever dies in between leaves a job that comes twice, not one that never does.
      await schedule(broker, clock, data, attempts, delayMs)
      await done()
    },
  }
}
