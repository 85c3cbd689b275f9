import { actorKinds, job, lanes, type ActorKind, type Lane } from '@pixelflow/core/job'
import type { Lease, WorkSource } from '@pixelflow/core/ports/queue'
import { Unreachable, type Broker } from './broker.ts'
import type { Delivery } from './delivery.ts'
import { patiently } from './patience.ts'
import { pull, type PullRequest } from './pull.ts'
import type { Log } from './telemetry/log.ts'
import { extendEveryMs, jobOfSubject, streams, workConsumer } from './topology.ts'
import { createWaitingRoom, recovery, type WaitingRoom } from './waiting-room.ts'

const waitMs = 30_000

/**
 * Takes jobs out of the work-queue stream: from the lanes in their order as long as they have any, and when none has,
 * waits on all of them at once.
 */
export function createWorkSource(broker: Broker, log: Log): WorkSource {
  const rooms = new Map<ActorKind, WaitingRoom>(
    actorKinds.map((kind) => {
      const requests = new Map(lanes.map((lane) => [lane, requestOf(kind, lane, waitMs)]))
      return [kind, createWaitingRoom(broker, requests)]
    }),
  )

  /** A job that is there already, the most urgent first. */
  const takeNow = async (kind: ActorKind, room: WaitingRoom, signal: AbortSignal) => {
    for (const lane of lanes) {
      let taken: Delivery | undefined
      const end = await pull(broker, requestOf(kind, lane, 0), (delivery) => (taken = delivery)).ended
      if (!signal.aborted && taken) return taken
      if (taken) room.passOn(taken)
      if (signal.aborted) return undefined
      if (end === 'lost' || end === 'refused') await recovery(broker, signal)
    }
    return undefined
  }

  return {
    async next(kind, signal) {
      const room = rooms.get(kind) as WaitingRoom
      while (!signal.aborted) {
        const delivery = (await takeNow(kind, room, signal)) ?? (await room.wait(signal))
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

function requestOf(kind: ActorKind, lane: Lane, expiresMs: number): PullRequest {
  return { stream: streams.jobs, consumer: workConsumer(kind, lane), batch: 1, expiresMs }
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
