import type { Job } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Retries } from '@pixelflow/core/ports/queue'
import { isStoreFailure } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { publish } from '../jetstream/publish.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { pullContinuously } from '../jetstream/pull-continuously.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { attemptsHeader, dueSubject, queuedSubject, retrySubject } from '../topology/subjects.ts'
import { dueConsumer } from '../topology/consumers.ts'
import { streams } from '../topology/streams.ts'

/**
 * Jobs that wait for their next attempt are scheduled messages: they count neither as lag nor as pending acks, and survive
 * every process. A due schedule becomes a message in the same stream; it cannot go to the queue directly, because
 * JetStream allows no schedules in a stream that rejects duplicates.
 */

const scheduleHeader = 'Nats-Schedule'

/** When a schedule is due, in milliseconds since 1970; 0 for a message without a schedule. */
export function dueAt(stored: Pick<StoredMessage, 'header'>): number {
  return Date.parse(stored.header(scheduleHeader)?.replace('@at ', '') ?? '') || 0
}

/**
 * Schedules a job for another attempt after `delayMs`. The broker compares the time of a schedule with its own clock.
 */
export async function schedule(
  broker: Broker,
  clock: Clock,
  job: Job,
  attempts: number,
  delayMs: number,
): Promise<void> {
  const at = new Date(clock.now() + delayMs).toISOString()
  const headers = {
    [scheduleHeader]: `@at ${at}`,
    'Nats-Schedule-Target': dueSubject(job),
    [attemptsHeader]: String(attempts),
  }
  await retryUnreachable(() => publish(broker, retrySubject(job), '', { headers, timeoutMs: 3000 }), {
    timeoutMs: 5000,
  })
}

const request = {
  stream: streams.retries,
  consumer: dueConsumer,
  batch: 50,
  expiresMs: 30_000,
  // What comes has already waited for some seconds.
  heartbeatMs: 5000,
}
const redeliverAfterMs = 1000

/** Moves due jobs into the queue, through one durable consumer that all processes share. */
export function createRetries(broker: Broker, log: Logger): Retries {
  const forward = async (delivery: Delivery): Promise<void> => {
    const headers = { [attemptsHeader]: delivery.header(attemptsHeader) ?? '0' }
    try {
      await publish(broker, queuedSubject(delivery.subject), '', { headers, timeoutMs: 3000 })
      delivery.ack()
    } catch (error) {
      // The queue is full, or still has the job because its lease is not settled yet. Dropping this message would lose the
      // job when the other one is removed.
      if (!isStoreFailure(error))
        log.warn('retry not queued; redelivery scheduled', { subject: delivery.subject, error })
      delivery.nak(redeliverAfterMs)
    }
  }

  return {
    async forward(signal) {
      const forwarding = new Set<Promise<void>>()
      for await (const delivery of pullContinuously(broker, request, signal)) {
        const one = forward(delivery).finally(() => forwarding.delete(one))
        forwarding.add(one)
        if (forwarding.size >= request.batch) await Promise.race(forwarding)
      }
      await Promise.all(forwarding)
    },
  }
}
