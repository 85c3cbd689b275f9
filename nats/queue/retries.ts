import { headers } from '@nats-io/nats-core'
import type { Job } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Retries } from '@pixelflow/core/ports/queue'
import { JetStreamError, storeFailed, type Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { publish } from '../jetstream/publish.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { pull } from '../jetstream/pull.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import {
  attemptsHeader,
  dueConsumer,
  dueSubject,
  queuedSubject,
  retrySubject,
  streams,
} from '../topology/topology.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'

/**
 * Jobs that wait for their next attempt are schedules of the broker: they neither count as lag nor as held, and survive
 * every process. When its time has come a schedule becomes a message beside it, in a stream that is no queue: the queue
 * itself refuses doubled jobs, and the broker makes no schedules in a stream that does.
 */

const scheduleHeader = 'Nats-Schedule'

/** When the time of a schedule comes, in milliseconds since 1970; 0 for what is none. */
export function dueAt(stored: Pick<StoredMessage, 'header'>): number {
  return Date.parse(stored.header(scheduleHeader)?.replace('@at ', '') ?? '') || 0
}

/**
 * Has a job come into the queue again after a while, as one that so many attempts were made at. The broker holds the time
 * of a schedule against its own clock.
 */
export async function schedule(
  broker: Broker,
  clock: Clock,
  job: Job,
  attempts: number,
  delayMs: number,
): Promise<void> {
  const at = new Date(clock.now() + delayMs).toISOString()
  const head = headers()
  head.set(scheduleHeader, `@at ${at}`)
  head.set('Nats-Schedule-Target', dueSubject(job))
  head.set(attemptsHeader, String(attempts))
  await retryUnreachable(() => publish(broker, retrySubject(job), '', { headers: head, timeoutMs: 3000 }), {
    timeoutMs: 5000,
  })
}

const request = { stream: streams.retries, consumer: dueConsumer, batch: 50, expiresMs: 30_000 }
const againMs = 1000

/** Brings what is due into the queue, through one durable consumer that all processes share. */
export function createRetries(broker: Broker, log: Logger): Retries {
  const forward = async (delivery: Delivery): Promise<void> => {
    const head = headers()
    head.set(attemptsHeader, delivery.header(attemptsHeader) ?? '0')
    try {
      await publish(broker, queuedSubject(delivery.subject), '', { headers: head, timeoutMs: 3000 })
      delivery.ack()
    } catch (error) {
      // A queue that is full, or still holds the job because whoever gave it back has not settled it yet: then dropping
      // this one would lose the job when the other goes.
      const isRefused = error instanceof JetStreamError && error.code === storeFailed
      if (!isRefused) log.warn('retry not queued yet', { subject: delivery.subject, error })
      delivery.nak(againMs)
    }
  }

  return {
    async forward(signal) {
      while (!signal.aborted) {
        const underway = new Set<Promise<void>>()
        const one = pull(broker, request, (delivery) => {
          const forwarding = forward(delivery).finally(() => underway.delete(forwarding))
          underway.add(forwarding)
        })
        const leave = () => void one.withdraw()
        signal.addEventListener('abort', leave)
        if (signal.aborted) leave()
        const end = await one.ended
        signal.removeEventListener('abort', leave)
        await Promise.all(underway)
        if (end === 'disconnected' || end === 'refused') await waitForBroker(broker, signal)
      }
    },
  }
}
