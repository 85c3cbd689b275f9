import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'
import { maxStages, stage } from './time-stage.ts'

/**
 * Messages between an actor and a worker process, as JSON: the bytes of a worker must not reach a deserialiser of
 * JavaScript values. They carry control, and small files in base64; large files are exchanged as files.
 */

/** The actor requests one work item. A worker runs one at a time. */
export interface WorkRequest {
  /** Number of the work item, unique to this worker; every answer carries it. */
  readonly work: number
  /** The kind whose worker handler runs it. */
  readonly kind: string
  /** Plain data that the handler of the kind understands. */
  readonly input: unknown
}

/** Progress, e.g. an output that is finished: all notes since the message before. */
const notes = z.array(z.unknown())
/** How long the parts of the work took. */
const stages = z.array(stage).max(maxStages)

/**
 * What a worker sends. It is validated like any external input, because an image that exploits its decoder controls the
 * worker.
 */
export const workerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('notes'), work: z.int(), notes }),
  z.object({ type: z.literal('done'), work: z.int(), notes, cpuMs: z.number(), stages }),
  z.object({
    type: z.literal('failed'),
    work: z.int(),
    notes,
    cpuMs: z.number(),
    stages,
    report: faultReport,
    /** For the log, never for the client. */
    cause: z.string(),
  }),
])
export type WorkerMessage = z.infer<typeof workerMessage>
