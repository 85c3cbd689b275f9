import type { DeadLetter } from '@pixelflow/core/dead-letter'
import type { ActorKind } from '@pixelflow/core/actor-kinds'
import { job, lanes } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Lease, JobConsumer } from '@pixelflow/core/ports/queue'
import { Unreachable } from '../connection/unreachable.ts'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { decodeJobContent } from './job-content.ts'
import { schedule } from './retries.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { attemptsHeader, jobOfSubject } from '../topology/subjects.ts'
import { extendEveryMs, workConsumer } from '../topology/consumers.ts'
import { streams } from '../topology/streams.ts'
import {
  createPullMultiplexer,
  type LaneRequest,
  type PullMultiplexer,
} from '../jetstream/pull-multiplexer.ts'

const waitMs = 30_000

/**
 * Leases jobs from the work-queue stream: the most urgent lane with jobs first; if all are empty, waits on all of them.
 */
export function createJobConsumer(
  broker: Broker,
  clock: Clock,
  deadLetters: Pick<DeadLetters, 'put'>,
  log: Logger,
): JobConsumer {
  const multiplexers = new Map<ActorKind, PullMultiplexer>()
  const multiplexerOf = (kind: ActorKind): PullMultiplexer => {
    const multiplexer = multiplexers.get(kind) ?? createPullMultiplexer(broker, requestsOf(kind))
    multiplexers.set(kind, multiplexer)
    return multiplexer
  }

  /** Moves an invalid job to the dead letters. */
  const deadLetterInvalid = async (delivery: Delivery): Promise<void> => {
    log.error('invalid job moved to dead letters', { subject: delivery.subject })
    try {
      await deadLetters.put(deadLetterOf(delivery, new Date(clock.now())))
      await delivery.confirm()
    } catch (error) {
      log.warn('invalid job not moved to dead letters', { subject: delivery.subject, error })
      delivery.nak(5000)
    }
  }

  return {
    async next(kind, signal, only) {
      while (!signal.aborted) {
        const delivery = await multiplexerOf(kind).next(signal, only)
        if (!delivery) continue
        const lease = leaseOf(broker, clock, delivery)
        if (lease) return lease
        void deadLetterInvalid(delivery)
      }
      return null
    },
  }
}

function requestsOf(kind: ActorKind): LaneRequest[] {
  return lanes.map((lane) => ({ lane, stream: streams.jobs, consumer: workConsumer(kind, lane), waitMs }))
}

function deadLetterOf({ subject, deliveryCount }: Delivery, at: Date): DeadLetter {
  const { kind = '', lane = '', account = '', task = '', stage = '' } = jobOfSubject(subject)
  const fault = { code: 'incompatible_record', detail: 'The queue contained an invalid job.' } as const
  const job = { kind, lane, account, task, stage }
  return { ...job, fault, internalCause: subject, attempts: deliveryCount - 1, createdAt: at.toISOString() }
}

function leaseOf(broker: Broker, clock: Clock, delivery: Delivery): Lease | undefined {
  const { success, data } = job.safeParse(jobOfSubject(delivery.subject))
  if (!success) return undefined
  const before = Number(delivery.header(attemptsHeader) ?? 0)
  // The event log shows whether the work has ended; after a lost ack the next actor finds that out there.
  const done = () =>
    retryUnreachable(() => delivery.confirm(), { timeoutMs: 5000 }).catch((thrown: unknown) => {
      if (!(thrown instanceof Unreachable)) throw thrown
    })
  const attempt = before + delivery.deliveryCount
  return {
    job: data,
    attempt,
    ageMs: clock.now() - delivery.at.getTime(),
    content: attempt === 1 ? decodeJobContent(delivery.data) : undefined,
    extendEveryMs,
    async extend() {
      delivery.extend()
    },
    done,
    async retry(delayMs, attempts) {
      // In this order: a process that dies in between leaves a job that runs twice, not one that never runs.
      await schedule(broker, clock, data, attempts, delayMs)
      await done()
    },
  }
}
