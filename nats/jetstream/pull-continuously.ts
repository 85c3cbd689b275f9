import { createNotifier } from '@pixelflow/core/notifier'
import type { Broker } from '../connection/broker.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'
import type { Delivery } from './delivery.ts'
import { pull, type PullEnd, type PullRequest } from './pull.ts'

/**
 * The messages of a durable consumer, from one pull request after the other, until the signal aborts. A delivery that was
 * received but not yielded goes back to the broker at once, for another process.
 */
export async function* pullContinuously(
  broker: Broker,
  request: PullRequest,
  signal: AbortSignal,
): AsyncGenerator<Delivery, void> {
  while (!signal.aborted) {
    const end = yield* pullBatch(broker, request, signal)
    if (end === 'disconnected' || end === 'refused') await waitForBroker(broker, signal)
  }
}

async function* pullBatch(
  broker: Broker,
  request: PullRequest,
  signal: AbortSignal,
): AsyncGenerator<Delivery, PullEnd> {
  const received: Delivery[] = []
  const changed = createNotifier()
  let isOpen = true
  const pulling = pull(broker, request, (delivery) => {
    received.push(delivery)
    changed.notify()
  })
  const end = pulling.ended.finally(() => {
    isOpen = false
    changed.notify()
  })
  try {
    while (!signal.aborted) {
      const next = received.shift()
      if (next) yield next
      else if (isOpen) await changed.wait({ signal })
      else break
    }
  } finally {
    await pulling.withdraw()
    for (const delivery of received) delivery.nak(0)
  }
  return end
}
