import { createNotifier } from '@pixelflow/core/notifier'
import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { OutboxEntry, TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { pull } from '../jetstream/pull.ts'
import { outboxConsumer } from '../topology/consumers.ts'
import { streams } from '../topology/streams.ts'

const request = { stream: streams.outbox, consumer: outboxConsumer, batch: 200, expiresMs: 10_000 }

/**
 * The outbox as a stream with one durable consumer that all processes share. Entries come in the order in which they were
 * written; entries younger than `afterMs` are held here until they are old enough.
 */
export function createTaskOutbox(broker: Broker, clock: Clock, afterMs: number): TaskOutbox {
  /** The entries of one pull. */
  async function* pullEntries(signal: AbortSignal): AsyncGenerator<OutboxEntry> {
    const waiting: Delivery[] = []
    const changed = createNotifier()
    const one = pull(broker, request, (delivery) => {
      waiting.push(delivery)
      changed.notify()
    })
    let isOpen = true
    const end = one.ended.finally(() => {
      isOpen = false
      changed.notify()
    })
    try {
      while (!signal.aborted) {
        const next = waiting[0]
        if (next) {
          // Limited, because another server of the cluster may have stored it with a clock that is ahead.
          const delayMs = Math.min(afterMs, next.at.getTime() + afterMs - clock.now())
          if (delayMs > 0) await pause(delayMs, signal)
          if (signal.aborted) break
          waiting.shift()
          yield entryOf(next, clock)
        } else if (isOpen) await changed.wait({ signal })
        else break
      }
    } finally {
      await one.withdraw()
      // Entries that were not yielded go to another process at once.
      for (const delivery of waiting) delivery.nak(0)
    }
    const how = await end
    if (how === 'disconnected' || how === 'refused') await pause(500, signal)
  }

  return {
    async *entries(signal) {
      while (!signal.aborted) yield* pullEntries(signal)
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
