import { Fault } from '@pixelflow/core/fault'
import type { Job } from '@pixelflow/core/job'
import type { Queue } from '@pixelflow/core/ports/queue'
import { faultOf, JetStreamError, storeFailed, type Broker } from '../connection/broker.ts'
import { readLast } from '../jetstream/direct-get.ts'
import { publish } from '../jetstream/publish.ts'
import { readFromLeader, removeMessage } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { backlogSubject, dueSubject, jobSubject, retrySubject, streams } from '../topology/topology.ts'

/** A caller of ours has a client of its own waiting; what is not queued now is found by the reconciler. */
const submitRetry = { timeoutMs: 5000 }

/**
 * The queue in a work-queue stream that holds one message a subject at most. Bulk jobs come to it by way of the backlog,
 * a stream that refuses a second one likewise.
 */
export function createQueue(broker: Broker): Queue {
  const put = async (subject: string) => {
    await retryUnreachable(() => publish(broker, subject, '', { timeoutMs: 3000 }), submitRetry)
    return 'queued' as const
  }
  /** Not by a purge, which makes the consumers of the stream forget others' jobs: see `purgeSubject`. */
  const takeOut = async (stream: string, subject: string) => {
    const there = await readFromLeader(broker, stream, { last_by_subj: subject })
    if (there !== null) await removeMessage(broker, stream, there.seq)
  }
  /** Whether it is past the backlog. */
  const isLetIn = async (job: Job) =>
    (await retryUnreachable(() => readLast(broker, streams.jobs, jobSubject(job)), submitRetry)) !== null

  return {
    async submit(job) {
      try {
        if (job.lane === 'interactive') return await put(jobSubject(job))
        return (await isLetIn(job)) ? 'duplicate' : await put(backlogSubject(job))
      } catch (thrown) {
        return refusalOf(job, thrown)
      }
    },
    async remove(job) {
      try {
        await retryUnreachable(async () => {
          // In the order in which it moves on.
          if (job.lane === 'bulk') await takeOut(streams.backlog, backlogSubject(job))
          await takeOut(streams.retries, retrySubject(job))
          await takeOut(streams.retries, dueSubject(job))
          await takeOut(streams.jobs, jobSubject(job))
        }, submitRetry)
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

/** The broker has one error code for both of its refusals; only its words tell them apart. */
function refusalOf(job: Job, thrown: unknown): 'duplicate' {
  if (!(thrown instanceof JetStreamError) || thrown.code !== storeFailed) throw faultOf(thrown)
  if (thrown.message.includes('per subject')) return 'duplicate'
  throw new Fault('queue_full', `The queue takes no more ${job.kind} jobs just now.`, {
    remedy: 'Try again a little later.',
    retryAfterMs: 5000,
    cause: thrown,
  })
}
