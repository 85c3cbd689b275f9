import { z } from 'zod'
import { id } from './image.ts'
import { accountId } from './principal.ts'

/**
 * `resting`: the circuit breaker is open, so it accepts no work, because its workers keep crashing; `draining`: it finishes
 * its work and exits. The names are those of the published API (`ActorState` in the proto), so they stay.
 */
export const actorStates = ['ready', 'resting', 'draining'] as const
export type ActorState = (typeof actorStates)[number]

/** Most held tasks that a report lists; further ones are only counted. */
export const maxListedTasks = 512

/** A name of a kind, format or operation. Not an enum: an actor of another version may report names unknown here. */
const name = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/)
const names = z.array(name).max(256)

/** A task that an actor holds. */
export const heldTask = z.object({
  account: accountId,
  task: id,
  /** Number of the attempt, from 1. */
  attempt: z.int().positive(),
  since: z.iso.datetime(),
})
export type HeldTask = z.infer<typeof heldTask>

/** The state that an actor publishes. */
export const actorReport = z.object({
  /** Host and process id, as in `task.actor`. */
  name: z.string().regex(/^[\w.:-]{1,300}$/),
  version: z.string().max(64),
  /** Kinds of task that it processes. */
  kinds: names,
  /** Kinds of live session that it serves. */
  live: names,
  capabilities: z.object({
    /** Image formats. */
    reads: names,
    writes: names,
    /** Operations that it supports. */
    operations: names,
  }),
  state: z.enum(actorStates),
  /** Most tasks that it holds at a time. */
  slots: z.int().nonnegative(),
  /** Tasks that it processes in parallel; missing in reports of older versions. */
  workers: z.int().nonnegative().optional(),
  /** Names of the elections that it has won; missing in reports of older versions. */
  leaderOf: names.optional(),
  /** Tasks held now. */
  held: z.int().nonnegative(),
  /** The held tasks, oldest first, up to `maxListedTasks`. */
  tasks: z.array(heldTask).max(maxListedTasks),
  /** Live sessions held now. */
  sessions: z.int().nonnegative(),
  /** Running workers. The published API has this name (`children` in the proto), so it stays. */
  children: z.int().nonnegative(),
  /** Memory of the actor and its workers, in bytes. */
  residentBytes: z.int().nonnegative(),
  startedAt: z.iso.datetime(),
})
export type ActorReport = z.infer<typeof actorReport>

/** The newest report of an actor and when it arrived. */
export interface ActorStatus {
  readonly report: ActorReport
  readonly seenAt: Date
}

/** Tasks of the kinds that all ready actors process in parallel. An actor with several of the kinds counts once. */
export function countWorkers(actors: readonly ActorStatus[], kinds: readonly string[]): number {
  const ready = actors.filter(
    ({ report }) => report.state === 'ready' && report.kinds.some((kind) => kinds.includes(kind)),
  )
  return ready.reduce((sum, { report }) => sum + (report.workers ?? report.slots), 0)
}

/**
 * Most interactive jobs of one account in the queue. Interactive jobs run in order of arrival, so each account is
 * limited to half of the workers, at least two, to leave workers for other accounts.
 */
export function maxInteractivePerAccount(workers: number): number {
  return Math.max(2, Math.ceil(workers / 2))
}

/** Name of the election whose leader admits the bulk jobs of a kind to the queue. */
export const dispatcherName = (kind: string) => `dispatcher-${kind}`
