import { pause } from '@pixelflow/core/pause'
import type { Accepted, AcceptanceLog } from '@pixelflow/core/ports/queue'
import type { Broker } from './broker.ts'
import type { Delivery } from './delivery.ts'
import { pull } from './pull.ts'
import { acceptanceConsumer, kindHeader, streams } from './topology.ts'

const request = { stream: streams.events, consumer: acceptanceConsumer, batch: 200, expiresMs: 10_000 }

/**
 * Reads acceptances back from the event log, headers only, through one durable consumer that all processes share.
 * Entries younger than `afterMs` are given back until they are old enough, so nothing is held here meanwhile.
 */
export function createAcceptanceLog(broker: Broker, afterMs: number): AcceptanceLog {
  /** Whether this is an acceptance to look at now; settles it when it is not. */
  const isDue = (delivery: Delivery): boolean => {
    const tooYoungMs = Math.min(afterMs, delivery.at.getTime() + afterMs - Date.now())
    if (delivery.header(kindHeader) !== 'queued') delivery.ack()
    else if (tooYoungMs > 0) delivery.nak(tooYoungMs)
    else return true
    return false
  }

  /** What one pull brings. */
  async function* round(signal: AbortSignal): AsyncGenerator<Accepted> {
    const due: Delivery[] = []
    let wake = () => {}
    const one = pull(broker, request, (delivery) => {
      if (isDue(delivery)) due.push(delivery)
      wake()
    })
    const leave = () => wake()
    signal.addEventListener('abort', leave)
    let isOpen = true
    const end = one.ended.finally(() => {
      isOpen = false
      wake()
    })
    try {
      while (!signal.aborted) {
        const next = due.shift()
        if (next) yield acceptedOf(next)
        else if (isOpen) await new Promise<void>((resolve) => (wake = resolve))
        else break
      }
    } finally {
      signal.removeEventListener('abort', leave)
      await one.retract()
      // Whatever was not looked at goes to another process at once.
      for (const delivery of due) delivery.nak(0)
    }
    const how = await end
    if (how === 'lost' || how === 'refused') await pause(500, signal)
  }

  return {
    async *accepted(signal) {
      while (!signal.aborted) yield* round(signal)
    },
  }
}

function acceptedOf(delivery: Delivery): Accepted {
  const [, account = '', , task = ''] = delivery.subject.split('.')
  return {
    account,
    task,
    async settle() {
      delivery.ack()
    },
  }
}
