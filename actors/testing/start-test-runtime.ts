import type { JobContext, JobHandler } from '../runtime/job-handler.ts'
import { startRuntime, type Runtime, type RuntimeOptions } from '../runtime/runtime.ts'
import type { ActorCluster } from './actor-cluster.ts'

const always = new AbortController().signal

/** Starts a runtime on a cluster, with two slots and three attempts by default, whose work is `run`. */
export function startTestRuntime(
  { adapters, log }: ActorCluster,
  run: (work: JobContext) => Promise<void>,
  options: Partial<RuntimeOptions> = {},
): Runtime {
  const handler: JobHandler = { ready: async () => always, run }
  const { jobConsumer, events, cancellations, deadLetters } = adapters
  const dropUnreportedOutputs = async () => {}
  const defaults = { dropUnreportedOutputs, maxAttempts: 3, slots: 2, interactiveSlots: 0, actor: 'one' }
  return startRuntime({
    jobConsumer,
    events,
    deadLetters,
    cancellations,
    kind: 'transform',
    handler,
    log,
    ...defaults,
    ...options,
  })
}
