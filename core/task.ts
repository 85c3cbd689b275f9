import { z } from 'zod'
import { faultCode } from './fault-code.ts'
import { currentCode, type FaultReport } from './fault.ts'
import { blobLocation, id, sha256 } from './image.ts'
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
  bytes: z.int().positive().meta({ description: 'Size of the file in bytes.' }),
  sha256: sha256.meta({ description: 'SHA-256 of the file, in hexadecimal digits.' }),
  width: z.int().positive().meta({ description: 'Pixels.' }),
  height: z.int().positive().meta({ description: 'Pixels.' }),
  /** Where its bytes were stored, so that readers need not look them up; not part of views. */
  location: blobLocation.optional(),
})
export type Output = z.infer<typeof output>

/** Also reads reports of earlier versions, whose codes may have other names. */
export const faultReport = z.object({
  code: z.preprocess(currentCode, faultCode),
  detail: z.string().meta({ description: 'What is wrong, in one sentence.' }),
  field: z.string().optional().meta({ description: 'What is at fault, such as `steps[1].sigma`.' }),
  remedy: z.string().optional().meta({ description: 'What to do.' }),
  retryAfterMs: z.int().optional().meta({ description: 'Milliseconds after which another try makes sense.' }),
}) as unknown as z.ZodType<FaultReport>

/** A complete snapshot of a task. Every event carries one. */
export const task = z.object({
  id,
  account: accountId,
  status,
  progress: z.number().min(0).max(100).meta({
    description:
      'Percent of the work done, counted in stages and outputs. Never decreases within an attempt.',
  }),
  image: id.meta({ description: 'Id of the image.' }),
  recipe,
  /** Priority in the queue. Events written before lanes existed have none; their tasks are interactive. */
  lane: lane.default(defaultLane),
  retryOf: id
    .optional()
    .meta({ description: 'The task that this task retries, with the same image and recipe.' }),
  outputs: z.array(output),
  attempt: z
    .int()
    .nonnegative()
    .meta({ description: 'Number of the current attempt, from 1; 0 before the first.' }),
  actor: z.string().optional().meta({ description: 'Name of the actor of the current or last attempt.' }),
  fault: faultReport.optional().meta({ description: 'Why the task has failed.' }),
  /** The span that accepted the task, as a W3C `traceparent`; only where the server records traces. */
  traceparent: z.string().optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime().meta({ description: 'Time of the last event.' }),
  startedAt: z.iso.datetime().optional().meta({ description: 'Start of the first attempt.' }),
  endedAt: z.iso.datetime().optional().meta({ description: 'When the task reached its final status.' }),
})
export type Task = z.infer<typeof task>

/** Object name of an output. It contains the stage so that tasks can have several stages. */
export function outputObject(account: string, taskId: string, stage: string, name: string): string {
  return `${account}/${taskId}/${stage}/${name}`
}
