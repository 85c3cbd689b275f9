import { z } from 'zod'
import { actorKind, actorKindRows, type ActorKindRow, type NewTask } from './actor-kinds.ts'
import { id } from './image.ts'
import { accountId } from './principal.ts'

/** Lanes of a kind, most urgent first. `lane` applies to queued tasks only. */
export const lanes = ['interactive', 'bulk'] as const
export type Lane = (typeof lanes)[number]
export const lane = z.enum(lanes)

/** The lane of a task that does not state one. */
export const defaultLane = 'interactive' satisfies Lane

/** One stage of a task in the queue. The work is described by the task's latest event. */
export const job = z.object({
  kind: actorKind,
  lane,
  account: accountId,
  task: id,
  /** Name of the stage within the task. */
  stage: z.string().regex(/^[a-z]{1,32}$/),
})
export type Job = z.infer<typeof job>

/** The stage of a task that has only one. */
export const onlyStage = 'main'

/**
 * The first job of a task. The gateway that accepts a task and the elected gateway that finds it without a job both call this
 * function, so that both queue the same job.
 */
export function createFirstJob(task: NewTask, rows: readonly ActorKindRow[] = actorKindRows): Job {
  const row = rows.find(({ startsTask }) => startsTask?.(task))
  if (row === undefined) throw new Error(`no kind of actor starts task ${task.id}`)
  const { account, id, lane } = task
  return { kind: row.name, lane, account, task: id, stage: onlyStage }
}
