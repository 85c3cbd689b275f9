import { Fault } from '@pixelflow/core/fault'
import type { Job } from '@pixelflow/core/job'
import type { Queue } from '@pixelflow/core/ports/queue'
import { faultOf, Refused, storeFailed, type Broker } from './broker.ts'
import { publish } from './jetstream.ts'
import { purgeSubject } from './manage.ts'
import { patiently } from './patience.ts'
import { jobSubject, retriesOf, streams } from './topology.ts'

/** A caller of ours has a client of its own waiting; what is not queued now is found by the reconciler. */
const submitPatience = { forMs: 5000 }

/** The queue in a work-queue stream that holds one message a subject at most. */
export function createQueue(broker: Broker): Queue {
  return {
    async submit(job) {
      try {
        await patiently(() => publish(broker, jobSubject(job), '', { timeoutMs: 3000 }), submitPatience)
        return 'queued'
      } catch (thrown) {
        return refusalOf(job, thrown)
      }
    },
    async remove(job) {
      try {
        await Promise.all([
          patiently(() => purgeSubject(broker, streams.jobs, jobSubject(job)), submitPatience),
          patiently(() => purgeSubject(broker, streams.retries, retriesOf(job)), submitPatience),
        ])
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

/** The broker has one error code for both of its refusals; only its words tell them apart. */
function refusalOf(job: Job, thrown: unknown): 'duplicate' {
  if (!(thrown instanceof Refused) || thrown.code !== storeFailed) throw faultOf(thrown)
  if (thrown.message.includes('per subject')) return 'duplicate'
  throw new Fault('queue_full', `The queue takes no more ${job.kind} jobs just now.`, {
    remedy: 'Try again a little later.',
    retryAfterMs: 5000,
    cause: thrown,
  })
}
