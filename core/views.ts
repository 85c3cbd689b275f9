import { z } from 'zod'
import { actorReport, heldTask, type ActorStatus } from './actor.ts'
import { deadLetter, deadLetterId, type DeadLetter } from './dead-letter.ts'
import { eventKind, type TaskEvent } from './event.ts'
import { imageRecord, type ImageRecord } from './image.ts'
import { output, task, type Task } from './task.ts'

/**
 * Resources as the REST API returns them (views), and the only mapping from the domain types to them: a view omits the
 * account and internal fields.
 */

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
  kind: eventKind,
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

/** An actor. `held` counts all its tasks; `tasks` lists those of the caller. */
export const actorView = actorReport.omit({ workers: true, leaderOf: true }).extend({
  tasks: z.array(heldTask.omit({ account: true })),
  /** When its last report arrived. */
  seenAt: z.iso.datetime(),
})
export type ActorView = z.infer<typeof actorView>

export function viewActor({ report, seenAt }: ActorStatus): ActorView {
  const { workers: _workers, leaderOf: _elections, ...visible } = report
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

export function viewDeadLetter(deadLetter: DeadLetter): DeadLetterView {
  return { id: deadLetterId(deadLetter), ...deadLetter }
}

export const deadLetterPageView = z.object({ items: z.array(deadLetterView), next: z.string().nullable() })
export type DeadLetterPageView = z.infer<typeof deadLetterPageView>
