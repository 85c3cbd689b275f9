import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'

/** What goes over the pipe between an actor and a child: control only, bytes travel as files. */

/** The actor asks for one piece of work. A child does one at a time. */
export interface WorkRequest {
  /** Number of the piece of work, unique to this child; every answer carries it. */
  readonly work: number
  /** Which kind's inner half does it. */
  readonly kind: string
  /** What to do: plain data, checked by the kind. */
  readonly input: unknown
}

/**
 * What a child says. It is checked like anything from outside: a picture that takes over its decoder speaks with the
 * child's voice.
 */
export const workerMessage = z.discriminatedUnion('say', [
  z.object({ say: z.literal('ready') }),
  /** Something happened on the way, e.g. a stage was reached. */
  z.object({ say: z.literal('note'), work: z.int(), note: z.unknown() }),
  z.object({ say: z.literal('done'), work: z.int(), cpuMs: z.number() }),
  z.object({
    say: z.literal('failed'),
    work: z.int(),
    cpuMs: z.number(),
    report: faultReport,
    /** For the log, never for the client. */
    cause: z.string(),
  }),
])
export type WorkerMessage = z.infer<typeof workerMessage>

/** The half of an actor kind that runs in a child. */
export interface WorkerHandler {
  /** Loads what is needed and uses it once, so that the first work is not slower than the next. */
  warmUp(): Promise<void>
  /**
   * Does one piece of work. @throws Fault for what the input is to blame for; whatever else it throws becomes
   * `internal`.
   */
  run(input: unknown, note: (note: unknown) => void): Promise<void>
}
