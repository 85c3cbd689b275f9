import { z } from 'zod'

/** A part of the work of a worker, such as the decoding. Part of a message, so it is validated. */
export const stage = z.object({
  name: z.string().max(64),
  /** Milliseconds since the work began. */
  startMs: z.number().nonnegative(),
  /** Duration in milliseconds. */
  ms: z.number().nonnegative(),
})
export type StageTime = z.infer<typeof stage>

/** Stages of one work item that are reported. */
export const maxStages = 128

/** A worker runs one work item at a time, so the stages of the current one need no owner. */
let stages: StageTime[] = []
let beganAt = 0

/** In a worker: begins a work item. */
export function beginStages(): void {
  stages = []
  beganAt = performance.now()
}

/** In a worker: the stages since `beginStages`. */
export function takeStages(): StageTime[] {
  return stages.splice(0)
}

/** In a worker: measures a stage of the current work item. A stage that fails is reported too. */
export async function timeStage<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const from = performance.now()
  try {
    return await work()
  } finally {
    const ms = performance.now() - from
    if (stages.length < maxStages) stages.push({ name, startMs: from - beganAt, ms })
  }
}
