import { z } from 'zod'
import { actorReport, heldTask, type ActorStatus } from './actor.ts'
import { deadLetter, deadLetterId, type DeadLetter } from './dead-letter.ts'
import { kinds, type TaskEvent } from './event.ts'
import { faults, type FaultCode } from './fault.ts'
import { id, imageRecord, type ImageRecord } from './image.ts'
import { defaultLane, lanes } from './job.ts'
import { output, task, type Task } from './task.ts'

/** Bodies of the REST API, and the only mapping from the domain types to them. */

export const imageView = imageRecord.omit({ account: true })
export type ImageView = z.infer<typeof imageView>

export function viewImage(record: ImageRecord): ImageView {
  const { account: _, ...view } = record
  return view
}

export const outputView = output.extend({
  /** Path of the file on this server. */
  href: z.string(),
})
export type OutputView = z.infer<typeof outputView>

export const taskView = task.omit({ account: true, outputs: true }).extend({ outputs: z.array(outputView) })
export type TaskView = z.infer<typeof taskView>

export function viewTask(whole: Task): TaskView {
  const { account: _, outputs, ...rest } = whole
  return {
    ...rest,
    outputs: outputs.map((one) => ({ ...one, href: `/api/v1/tasks/${whole.id}/outputs/${one.name}` })),
  }
}

/** Data of one server-sent event; the SSE event name is `kind`, the SSE id the resume token. */
export const eventView = z.object({
  kind: z.enum(kinds),
  at: z.iso.datetime(),
  output: z.string().optional(),
  task: taskView,
})
export type EventView = z.infer<typeof eventView>

export function viewEvent(event: TaskEvent): EventView {
  const { kind, at, output: name, task: whole } = event
  return { kind, at, ...(name === undefined ? {} : { output: name }), task: viewTask(whole) }
}

export const taskPageView = z.object({ items: z.array(taskView), next: z.string().nullable() })
export type TaskPageView = z.infer<typeof taskPageView>

/** JSON body of `POST /api/v1/tasks`. `recipe` is the short text form or an object. */
export const createTaskBody = z.strictObject({
  image: id,
  recipe: z.union([z.string(), z.record(z.string(), z.unknown())]),
  lane: z.enum(lanes).default(defaultLane),
})

/** An actor. `held` counts all its tasks; `tasks` lists those of the caller. */
export const actorView = actorReport.omit({ workers: true, offices: true }).extend({
  tasks: z.array(heldTask.omit({ account: true })),
  /** When its last report arrived. */
  seenAt: z.iso.datetime(),
})
export type ActorView = z.infer<typeof actorView>

export function viewActor({ report, seenAt }: ActorStatus): ActorView {
  const { workers: _workers, offices: _offices, ...visible } = report
  return {
    ...visible,
    tasks: report.tasks.map((held) => {
      const { account: _, ...task } = held
      return task
    }),
    seenAt: seenAt.toISOString(),
  }
}

export const actorsView = z.object({ items: z.array(actorView) })
export type ActorsView = z.infer<typeof actorsView>

/** A dead letter as operators see it. */
export const deadLetterView = deadLetter.extend({ id: z.string() })
export type DeadLetterView = z.infer<typeof deadLetterView>

export function viewDeadLetter(letter: DeadLetter): DeadLetterView {
  return { id: deadLetterId(letter), ...letter }
}

export const deadLetterPageView = z.object({ items: z.array(deadLetterView), next: z.string().nullable() })
export type DeadLetterPageView = z.infer<typeof deadLetterPageView>

/** problem+json (RFC 9457) with the error code, the request id, the field and the remedy. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(faults) as [FaultCode, ...FaultCode[]]),
  detail: z.string(),
  requestId: z.string(),
  field: z.string().optional(),
  remedy: z.string().optional(),
})
export type Problem = z.infer<typeof problem>
