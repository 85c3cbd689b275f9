import { z } from 'zod'
import { job, type Job } from './job.ts'
import { faultReport } from './task.ts'

/** What is kept of a job that was given up: enough to understand why, and to do the work once more. */
export const deadLetter = z.object({
  /** The five tokens as they stood in the queue; of what was no job, whatever stood there. */
  kind: z.string(),
  lane: z.string(),
  account: z.string(),
  task: z.string(),
  stage: z.string(),
  cause: z.object({
    /** What the task's owner is told. */
    report: faultReport,
    /** What only operators are: messages and traces of what lies behind it, {@link maxCauseLength} characters at most. */
    private: z.string().optional(),
  }),
  /** Attempts that were made. */
  attempts: z.int().nonnegative(),
  /** Name of the process that held the job last, where that is known. */
  actor: z.string().optional(),
  /** When it was given up. */
  at: z.iso.datetime(),
  /** The task that an operator has had made of it. */
  replay: z.object({ task: z.string(), at: z.iso.datetime() }).optional(),
})
export type DeadLetter = z.infer<typeof deadLetter>

/** Characters of the private cause that are kept. */
export const maxCauseLength = 4096

/** Name of a letter; there is one a job. */
export function deadLetterId({ kind, account, task }: Pick<DeadLetter, 'kind' | 'account' | 'task'>): string {
  return `${kind}.${account}.${task}`
}

/** Whether this can be the name of a letter. */
export function isDeadLetterId(id: string): boolean {
  return id.length <= 512 && /^[^\s.*>]+\.[^\s.*>]+\.[^\s.*>]+$/.test(id)
}

/** The job that it was; undefined when it was none. */
export function parseJob({ kind, lane, account, task, stage }: DeadLetter): Job | undefined {
  return job.safeParse({ kind, lane, account, task, stage }).data
}

/** The causes behind an error, as operators want to read them. */
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
