import { job, lanes, type ActorKind, type Lane } from '@pixelflow/core/job'
import type { Lease, WorkSource } from '@pixelflow/core/ports/queue'
import { Unreachable, type Broker } from './broker.ts'
import type { Delivery } from './delivery.ts'
import { patiently, pause } from './patience.ts'
import { pull, type Pull } from './pull.ts'
import type { Log } from './telemetry/log.ts'
import { extendEveryMs, jobOfSubject, streams, workConsumer } from './topology.ts'

const waitMs = 30_000

/** Takes a delivery if it still wants one. */
type Waiter = (delivery: Delivery) => boolean

/**
 * Takes jobs out of the work-queue stream: first from the lanes in their order, as long as they have any, then waits
 * on all of them at once.
 *
 * While it waits, two lanes may each deliver a job to one caller. The second one goes to another caller that waits in
 * this process, and if there is none, back to the broker at once; so does a job that arrives after its caller has
 * left. Requests that are not needed any more are withdrawn, which makes both rare.
 */
export function createWorkSource(broker: Broker, log: Log): WorkSource {
  const waiting = new Map<ActorKind, Set<Waiter>>()

  const surplus = (kind: ActorKind, delivery: Delivery) => {
    for (const take of waiting.get(kind) ?? []) if (take(delivery)) return
    delivery.nak(0)
  }

  /** A job that is there already, the most urgent first. */
  const takeNow = async (kind: ActorKind, signal: AbortSignal): Promise<Delivery | undefined> => {
    for (const lane of lanes) {
      let taken: Delivery | undefined
      const request = requestOf(kind, lane, 0)
      const end = await pull(broker, request, (delivery) => (taken = delivery)).ended
      if (taken && signal.aborted) surplus(kind, taken)
      if (signal.aborted) return undefined
      if (taken) return taken
      if (end === 'lost' || end === 'refused') await recovery(broker, signal)
    }
    return undefined
  }

  /** The first job to come from any lane; undefined when the signal aborts. */
  const waitForOne = (kind: ActorKind, signal: AbortSignal): Promise<Delivery | undefined> => {
    const { promise, resolve } = Promise.withResolvers<Delivery | undefined>()
    const pulls = new Map<Lane, Pull>()
    const waiters = waiting.get(kind) ?? new Set()
    waiting.set(kind, waiters)
    let open = true
    const close = (delivery: Delivery | undefined) => {
      open = false
      waiters.delete(take)
      signal.removeEventListener('abort', leave)
      for (const one of pulls.values()) void one.retract()
      resolve(delivery)
    }
    const take = (delivery: Delivery) => {
      if (!open) return false
      close(delivery)
      return true
    }
    const leave = () => close(undefined)
    const listen = async (lane: Lane) => {
      for (;;) {
        const one = pull(broker, requestOf(kind, lane, waitMs), (delivery) => {
          if (!take(delivery)) surplus(kind, delivery)
        })
        pulls.set(lane, one)
        const end = await one.ended
        if (open && (end === 'lost' || end === 'refused')) await recovery(broker, signal)
        if (!open) return
      }
    }
    waiters.add(take)
    signal.addEventListener('abort', leave)
    for (const lane of lanes) {
      listen(lane).catch((error: unknown) => log.error('waiting for work failed', { kind, lane, error }))
    }
    return promise
  }

  return {
    async next(kind, signal) {
      while (!signal.aborted) {
        const delivery = (await takeNow(kind, signal)) ?? (await waitForOne(kind, signal))
        if (!delivery) continue
        const lease = leaseOf(delivery)
        if (lease) return lease
        log.error('not a job', { subject: delivery.subject })
        delivery.term()
      }
      return null
    },
  }
}

function requestOf(kind: ActorKind, lane: Lane, expiresMs: number) {
  return { stream: streams.jobs, consumer: workConsumer(kind, lane), batch: 1, expiresMs }
}

/** After a pull that the broker did not serve: waits until it is back, and a little in any case. */
async function recovery(broker: Broker, signal: AbortSignal): Promise<void> {
  await pause(100, signal)
  while (!broker.connected && !signal.aborted) await broker.up(1000).catch(() => {})
}

function leaseOf(delivery: Delivery): Lease | undefined {
  const { success, data } = job.safeParse(jobOfSubject(delivery.subject))
  if (!success) return undefined
  return {
    job: data,
    attempt: delivery.attempt,
    extendEveryMs,
    async extend() {
      delivery.extend()
    },
    async done() {
      // The event log says whether the work is over; a lost acknowledgement only makes somebody look there again.
      await patiently(() => delivery.confirm(), { forMs: 5000 }).catch((thrown: unknown) => {
        if (!(thrown instanceof Unreachable)) throw thrown
      })
    },
    async retry(delayMs) {
      delivery.nak(delayMs)
    },
  }
}
