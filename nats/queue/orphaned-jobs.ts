import { jobKinds } from '@pixelflow/core/actor-kinds'
import { job, lanes, type Job } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { OrphanedJob, OrphanedJobs } from '@pixelflow/core/ports/orphaned-jobs'
import { faultOf } from '../connection/fault-of.ts'
import { isStoreFailure } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { publish } from '../jetstream/publish.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { removeMessage } from '../jetstream/remove-message.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { dueAt } from './retries.ts'
import { workConsumer } from '../topology/consumers.ts'
import {
  attemptsHeader,
  backlogSubject,
  dueSubject,
  jobOfSubject,
  jobSubject,
  queuedSubject,
  retrySubject,
} from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

const page = 100

/**
 * Works around two gaps of nats-server. When a consumer changes its leader, a delivered message may count as settled, and is
 * never delivered again. A schedule whose message could not be stored when it was due is not tried again. See
 * docs/adr/0011-orphaned-jobs-are-requeued.md. No upstream issue is known. Remove it when the chaos suite passes without it.
 */
export function createOrphanedJobs(broker: Broker, clock: Clock): OrphanedJobs {
  const lastDelivered = async (stream: string, consumer: string) =>
    (await retryUnreachable(() => readConsumerInfo(broker, stream, consumer))).delivered.stream_seq

  const hasMessages = async (stream: string) =>
    (await retryUnreachable(() => readStreamInfo(broker, stream))).state.messages > 0

  /** The oldest messages of these subjects, up to the sequence `last` and the time `until`. */
  async function* oldest(stream: string, subject: string, last: number, until: number, signal: AbortSignal) {
    for (let at = 0; at < last;) {
      const request = { seq: at + 1, subject, batch: page }
      const found = await retryUnreachable(() => readBatch(broker, stream, request), { signal })
      for (const one of found) {
        signal.throwIfAborted()
        if (one.seq > last || one.at.getTime() > until) return
        yield one
      }
      if (found.length < page) return
      at = found.at(-1)?.seq ?? last
    }
  }

  const parse = (stream: string, stored: StoredMessage): OrphanedJob | undefined => {
    const { success, data } = job.safeParse(jobOfSubject(stored.subject))
    if (!success) return undefined
    return {
      id: `${stream} ${stored.seq}`,
      job: data,
      attempts: Number(stored.header(attemptsHeader) ?? 0),
      drop: () => retryWithFaults(() => removeMessage(broker, stream, stored.seq)),
    }
  }

  const newest = (stream: string, subject: string) =>
    readFromLeader(broker, stream, { last_by_subj: subject })

  async function* delivered(until: number, signal: AbortSignal) {
    for (const kind of jobKinds) {
      for (const lane of lanes) {
        const last = await lastDelivered(streams.jobs, workConsumer(kind, lane))
        yield* oldest(streams.jobs, jobSubject({ ...anyJob, kind, lane }), last, until, signal)
      }
    }
  }

  async function* overdue(until: number, signal: AbortSignal) {
    for await (const one of oldest(streams.retries, 'retry.>', Infinity, until, signal))
      if (dueAt(one) <= until) yield one
    for await (const one of oldest(streams.retries, 'due.>', Infinity, until, signal)) {
      // While the queue has the job, its retry waits as intended.
      if ((await newest(streams.jobs, queuedSubject(one.subject))) === null) yield one
    }
  }

  return {
    async *find(olderThanMs, signal) {
      const until = clock.now() - olderThanMs
      try {
        // Without work this is asked all the time, so it is one exchange.
        const [hasJobs, hasRetries] = await Promise.all([
          hasMessages(streams.jobs),
          hasMessages(streams.retries),
        ])
        for await (const one of hasJobs ? delivered(until, signal) : []) {
          const orphan = parse(streams.jobs, one)
          if (orphan) yield orphan
        }
        for await (const one of hasRetries ? overdue(until, signal) : []) {
          const orphan = parse(streams.retries, one)
          if (orphan) yield orphan
        }
      } catch (thrown) {
        signal.throwIfAborted()
        throw faultOf(thrown)
      }
    },
    isStored: (wanted) =>
      retryWithFaults(async () => {
        const isQueued = async () => (await newest(streams.jobs, jobSubject(wanted))) !== null
        const isBulk = wanted.lane === 'bulk'
        if (isBulk && (await newest(streams.backlog, backlogSubject(wanted))) !== null) return true
        if (await isQueued()) return true
        for (const subject of [retrySubject(wanted), dueSubject(wanted)])
          if ((await newest(streams.retries, subject)) !== null) return true
        // It may have been requeued meanwhile.
        return isQueued()
      }),
    requeue: (wanted, attempts) =>
      retryWithFaults(async () => {
        const headers = { [attemptsHeader]: String(attempts) }
        try {
          await publish(broker, jobSubject(wanted), '', { headers, timeoutMs: 3000 })
          return true
        } catch (thrown) {
          if (isStoreFailure(thrown)) return false
          throw thrown
        }
      }),
  }
}

const anyJob = { account: '*', task: '*', stage: '*' } satisfies Partial<Job>
