import { z } from 'zod'
import { id } from './image.ts'
import { accountId } from './principal.ts'

/** Kinds of actor. A kind is a consumer, a deployment and a scaling rule of its own. */
export const actorKinds = ['transform'] as const
export type ActorKind = (typeof actorKinds)[number]

/** Lanes of one kind, most urgent first. */
export const lanes = ['interactive', 'bulk'] as const
export type Lane = (typeof lanes)[number]

/** The lane of a task that asks for none. */
export const defaultLane = 'interactive' satisfies Lane

/** One stage of a task, as it waits in the queue. What to do stands in the task's latest event. */
export const job = z.object({
  kind: z.enum(actorKinds),
  lane: z.enum(lanes),
  account: accountId,
  task: id,
  /** Name of the stage within the task; a token of a–z. */
  stage: z.string().regex(/^[a-z]{1,32}$/),
})
export type Job = z.infer<typeof job>

/** The stage of a task that has only one. */
export const onlyStage = 'main'

/** The job that a task begins with: who accepts a task and who finds it without a job must mean the same one. */
export function firstJob({ account, id: task, lane }: { account: string; id: string; lane: Lane }): Job {
  return { kind: 'transform', lane, account, task, stage: onlyStage }
}
