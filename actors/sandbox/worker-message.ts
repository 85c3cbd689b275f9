import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'

/** Messages between an actor and a worker process. They carry control only; image bytes are exchanged as files. */

/** The actor requests one work item. A worker runs one at a time. */
export interface WorkRequest {
  /** Number of the work item, unique to this worker; every answer carries it. */
  readonly work: number
  /** The kind whose worker handler runs it. */
  readonly kind: string
  /** Plain data, validated by the handler. */
  readonly input: unknown
}

/**
 * What a worker sends. It is validated like any external input, because an image that exploits its decoder controls the
 * worker.
 */
export const workerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** Progress, e.g. an output that is finished. */
  z.object({ type: z.literal('note'), work: z.int(), note: z.unknown() }),
  z.object({ type: z.literal('done'), work: z.int(), cpuMs: z.number() }),
  z.object({
    type: z.literal('failed'),
    work: z.int(),
    cpuMs: z.number(),
    report: faultReport,
    /** For the log, never for the client. */
    cause: z.string(),
  }),
])
export type WorkerMessage = z.infer<typeof workerMessage>
