import { Fault } from '@pixelflow/core/fault'
import type { Job } from '@pixelflow/core/job'
import type { Queue } from '@pixelflow/core/ports/queue'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { faultOf } from '../connection/fault-of.ts'
import { isStoreFailure } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { readLast } from '../jetstream/read-last.ts'
import { inMessageSpan, tracingHeaders } from '../jetstream/message-span.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { removeMessage } from '../jetstream/remove-message.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { backlogSubject, dueSubject, jobSubject, retrySubject } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'
import { encodeJobContent } from './job-content.ts'

/** Short, because a client waits for the answer; the elected gateway queues what failed here. */
const submitRetry = { timeoutMs: 5000 }

/**
 * The queue is a work-queue stream with at most one message per subject, so that it rejects duplicates. Bulk jobs wait in
 * the backlog first, a stream with the same limit.
 */
export function createQueue(broker: Broker): Queue {
  const store = async (subject: string, body: Uint8Array) => {
    const seq = await retryUnreachable(
      () => publishAfter(broker, subject, 0, body, { timeoutMs: 3000, headers: tracingHeaders() }),
      submitRetry,
    )
    return seq === undefined ? 'duplicate' : 'queued'
  }
  /** Removes a message without a purge, which makes consumers lose other jobs: see `purgeSubject`. */
  const removeLast = async (stream: string, subject: string) => {
    const last = await readFromLeader(broker, stream, { last_by_subj: subject })
    if (last !== null) await removeMessage(broker, stream, last.seq)
  }
  /** Whether a bulk job has left the backlog. */
  const isAdmitted = async (job: Job) =>
    (await retryUnreachable(() => readLast(broker, streams.jobs, jobSubject(job)), submitRetry)) !== null

  return {
    submit: (job, content) =>
      inMessageSpan(
        'submit job',
        content?.first.event.task,
        () => ({ [attributeNames.task]: job.task }),
        async () => {
          try {
            if (job.lane === 'interactive') return await store(jobSubject(job), encodeJobContent(content))
            // Admitted much later, when the content is old. Each dispatcher reads the whole backlog.
            return (await isAdmitted(job))
              ? 'duplicate'
              : await store(backlogSubject(job), encodeJobContent(undefined))
          } catch (thrown) {
            throw isStoreFailure(thrown) ? queueFull(job, thrown) : faultOf(thrown)
          }
        },
      ),
    async remove(job) {
      await retryWithFaults(async () => {
        // In the order in which a job moves through the streams.
        if (job.lane === 'bulk') await removeLast(streams.backlog, backlogSubject(job))
        await removeLast(streams.retries, retrySubject(job))
        await removeLast(streams.retries, dueSubject(job))
        await removeLast(streams.jobs, jobSubject(job))
      }, submitRetry)
    },
  }
}

/** A duplicate is a conflict of `publishAfter`, so only a full stream fails to store a job. */
function queueFull(job: Job, cause: unknown): Fault {
  return new Fault('queue_full', `The queue for ${job.kind} jobs is full.`, {
    remedy: 'Try again in a few seconds.',
    retryAfterMs: 5000,
    cause,
  })
}
