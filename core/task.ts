import { z } from 'zod'
import { faultCode } from './fault-code.ts'
import { currentCode, type FaultReport } from './fault.ts'
import { id, sha256 } from './image.ts'
import { writableFormatIds } from './format.ts'
import { defaultLane, lane } from './job.ts'
import { accountId } from './principal.ts'
import { outputName } from './recipe/output-name.ts'
import { recipe } from './recipe/recipe.ts'
import { hasEnded, statuses, type Status } from './status.ts'

export { hasEnded, outputName, statuses, type Status }

export const status = z.enum(statuses)
/** Schema of the formats that results can have. */
export const outputFormat = z.enum(writableFormatIds)

export const output = z.object({
  name: outputName,
  format: outputFormat,
  mediaType: z.string(),
  bytes: z.int().positive(),
  sha256,
  width: z.int().positive(),
  height: z.int().positive(),
})
export type Output = z.infer<typeof output>

/** Also reads reports of earlier versions, whose codes may have other names. */
export const faultReport = z.object({
  code: z.preprocess(currentCode, faultCode),
  detail: z.string(),
  field: z.string().optional(),
  remedy: z.string().optional(),
  retryAfterMs: z.int().optional(),
}) as unknown as z.ZodType<FaultReport>

/** A complete snapshot of a task. Every event carries one. */
export const task = z.object({
  id,
  account: accountId,
  status,
  /** Percent of the work done, 0 to 100, counted in stages and outputs; never decreases within an attempt. */
  progress: z.number().min(0).max(100),
  image: id,
  recipe,
  /** Priority in the queue. Events written before lanes existed have none; their tasks are interactive. */
  lane: lane.default(defaultLane),
  /** The task that this task retries, with the same image and recipe. */
  retryOf: id.optional(),
  outputs: z.array(output),
  /** Number of the current attempt, from 1; 0 before the first. */
  attempt: z.int().nonnegative(),
  /** Name of the actor of the current or last attempt. */
  actor: z.string().optional(),
  fault: faultReport.optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
})
export type Task = z.infer<typeof task>

/** Object name of an output. It contains the stage so that tasks can have several stages. */
export function outputObject(account: string, taskId: string, stage: string, name: string): string {
  return `${account}/${taskId}/${stage}/${name}`
}
