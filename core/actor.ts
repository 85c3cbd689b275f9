import { z } from 'zod'
import { id } from './image.ts'
import { accountId } from './principal.ts'

/** What an actor is at: `resting` while it takes nothing up because its children keep crashing, `draining` at its end. */
export const actorStates = ['ready', 'resting', 'draining'] as const
export type ActorState = (typeof actorStates)[number]

/** How many of the tasks that it holds an actor names; the others are a count. */
export const maxListedTasks = 512

/** A word of another version's making: kinds, formats and operations may be some that this version has not heard of. */
const word = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/)
const words = z.array(word).max(256)

/** A task that an actor holds. */
export const heldTask = z.object({
  account: accountId,
  task: id,
  /** Which try this is, from 1. */
  attempt: z.int().positive(),
  since: z.iso.datetime(),
})
export type HeldTask = z.infer<typeof heldTask>

/** What an actor says of itself. */
export const actorReport = z.object({
  /** Host and process, as tasks name it. */
  name: z.string().regex(/^[\w.:-]{1,300}$/),
  version: z.string().max(64),
  /** Kinds of task that it works on. */
  kinds: words,
  /** What it does live, while somebody waits. */
  live: words,
  capabilities: z.object({
    /** Formats that it reads, and that it writes. */
    reads: words,
    writes: words,
    /** Operations that its recipes may have. */
    operations: words,
  }),
  state: z.enum(actorStates),
  /** Tasks that it holds at once at most. */
  slots: z.int().nonnegative(),
  /** Of them so many are worked on at a time; older versions do not say. */
  workers: z.int().nonnegative().optional(),
  /** What it does for all actors; older versions do not say. */
  offices: words.optional(),
  /** Tasks held just now. */
  held: z.int().nonnegative(),
  /** Those, the oldest first, as far as they are named. */
  tasks: z.array(heldTask).max(maxListedTasks),
  /** Live sessions held just now. */
  sessions: z.int().nonnegative(),
  /** Child processes alive. */
  children: z.int().nonnegative(),
  /** Memory of the actor and its children, in bytes. */
  residentBytes: z.int().nonnegative(),
  startedAt: z.iso.datetime(),
})
export type ActorReport = z.infer<typeof actorReport>

/** What others know of an actor: its newest report, and when that came. */
export interface ActorStatus {
  readonly report: ActorReport
  readonly seenAt: Date
}

/** Images of a kind that all actors which take work work on at once. */
export function countWorkers(actors: readonly ActorStatus[], kind: string): number {
  const ready = actors.filter(({ report }) => report.state === 'ready' && report.kinds.includes(kind))
  return ready.reduce((sum, { report }) => sum + (report.workers ?? report.slots), 0)
}

/**
 * Interactive jobs are served in the order in which they come, so one account may put only so many there that workers
 * are left for others: half of them, and two at least.
 */
export function maxInteractivePerAccount(workers: number): number {
  return Math.max(2, Math.ceil(workers / 2))
}

/** The office of whoever lets the bulk jobs of a kind into the queue. */
export const dispatcherName = (kind: string) => `dispatcher-${kind}`
