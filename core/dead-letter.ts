import { z } from 'zod'
import { job, type Job } from './job.ts'
import { faultReport } from './task.ts'

/** A job that failed for good: enough to find the cause and to replay the work. */
export const deadLetter = z.object({
  /** The five tokens of the queue subject, even if they do not form a valid job. */
  kind: z.string(),
  lane: z.string(),
  account: z.string(),
  task: z.string(),
  stage: z.string(),
  /** The public error, which the owner of the task sees. */
  fault: faultReport,
  /** Messages and stack traces for operators only, at most {@link maxCauseLength} characters. */
  internalCause: z.string().optional(),
  /** Number of attempts. */
  attempts: z.int().nonnegative(),
  /** Name of the actor of the last attempt, if known. */
  actor: z.string().optional(),
  /** When the job was moved to the dead letters. */
  createdAt: z.iso.datetime(),
  /** The task that an operator created by replaying it. */
  replay: z.object({ task: z.string(), createdAt: z.iso.datetime() }).optional(),
})
export type DeadLetter = z.infer<typeof deadLetter>

/** A dead letter as versions before 0.2 wrote it. */
const formerDeadLetter = deadLetter.omit({ fault: true, internalCause: true, createdAt: true }).extend({
  cause: z.object({ report: faultReport, private: z.string().optional() }),
  at: z.iso.datetime(),
  replay: z.object({ task: z.string(), at: z.iso.datetime() }).optional(),
})

/** A stored dead letter, of this version or an earlier one. */
export const storedDeadLetter: z.ZodType<DeadLetter> = z.union([
  deadLetter,
  formerDeadLetter.transform(({ cause, at, replay, ...rest }) => ({
    ...rest,
    fault: cause.report,
    ...(cause.private === undefined ? {} : { internalCause: cause.private }),
    createdAt: at,
    ...(replay === undefined ? {} : { replay: { task: replay.task, createdAt: replay.at } }),
  })),
])

/** Longest internal cause, in characters. */
export const maxCauseLength = 4096

/** Id of a dead letter. A job has at most one. */
export function deadLetterId({ kind, account, task }: Pick<DeadLetter, 'kind' | 'account' | 'task'>): string {
  return `${kind}.${account}.${task}`
}

/** Whether the text has the form of a dead letter id. */
export function isDeadLetterId(id: string): boolean {
  return id.length <= 512 && /^[^\s.*>]+\.[^\s.*>]+\.[^\s.*>]+$/.test(id)
}

/** The job of a dead letter; undefined if its tokens do not form a valid job. */
export function parseJob({ kind, lane, account, task, stage }: DeadLetter): Job | undefined {
  return job.safeParse({ kind, lane, account, task, stage }).data
}

/** The chain of causes of an error as text for operators, without passwords. */
export function formatCause(thrown: unknown): string | undefined {
  const lines: string[] = []
  const add = (one: unknown, depth: number): void => {
    if (one === undefined || one === null || depth === 5) return
    lines.push(one instanceof Error ? (one.stack ?? `${one.name}: ${one.message}`) : String(one))
    if (one instanceof Error) add(one.cause, depth + 1)
  }
  add(thrown instanceof Error ? thrown.cause : thrown, 0)
  if (lines.length === 0) return undefined
  // A URL may carry a password.
  const text = lines.join('\ncaused by: ').replace(/:\/\/[^\s/@]+@/g, '://***@')
  return text.slice(0, maxCauseLength).toWellFormed()
}
