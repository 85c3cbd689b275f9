import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { OutboxEntry, TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { pullContinuously } from '../jetstream/pull-continuously.ts'
import { outboxConsumer } from '../topology/consumers.ts'
import { streams } from '../topology/streams.ts'

const request = { stream: streams.outbox, consumer: outboxConsumer, batch: 200, expiresMs: 10_000 }

/**
 * The outbox as a stream with one durable consumer that all processes share. Entries come in the order in which they were
 * written; entries younger than `afterMs` are held here until they are old enough.
 */
export function createTaskOutbox(broker: Broker, clock: Clock, afterMs: number): TaskOutbox {
  return {
    async *entries(signal) {
      for await (const delivery of pullContinuously(broker, request, signal)) {
        // Limited, because another server of the cluster may have stored it with a clock that is ahead.
        const delayMs = Math.min(afterMs, delivery.at.getTime() + afterMs - clock.now())
        if (delayMs > 0) await pause(delayMs, signal)
        // To another process at once, as the entries that follow.
        if (signal.aborted) return delivery.nak(0)
        yield entryOf(delivery, clock)
      }
    },
  }
}

function entryOf(delivery: Delivery, clock: Clock): OutboxEntry {
  const [, account = '', task = ''] = delivery.subject.split('.')
  return {
    account,
    task,
    ageMs: clock.now() - delivery.at.getTime(),
    async settle() {
      delivery.ack()
    },
  }
}
