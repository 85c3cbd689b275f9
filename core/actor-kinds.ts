import { z } from 'zod'
import type { Lane } from './job.ts'

/** Name of a kind of actor: one token of a NATS subject. */
export const actorKind = z.string().regex(/^[a-z][a-z0-9]{0,31}$/)
export type ActorKind = z.infer<typeof actorKind>

/** What the choice of a task's first kind depends on. */
export interface NewTask {
  readonly account: string
  readonly id: string
  readonly lane: Lane
}

/** What the rest of the system needs to know about a kind. Flags that are left out are false. */
export interface ActorKindRow {
  readonly name: ActorKind
  /** Takes jobs from the queue: it has consumers, metrics, a Deployment and a scaling rule of its own. */
  readonly hasJobs?: true
  /** Serves live sessions: work for callers that wait, neither queued nor stored. */
  readonly hasSessions?: true
  /** Whether the first job of a task is of this kind. The first matching row counts. Absent: it starts no tasks. */
  readonly startsTask?: (task: NewTask) => boolean
}

/** Every kind of actor. The work of a kind is in `actors/kinds/<name>/`. */
export const actorKindRows = [
  { name: 'transform', hasJobs: true, hasSessions: true, startsTask: () => true },
  { name: 'preview', hasSessions: true },
] as const satisfies readonly ActorKindRow[]

type Row = (typeof actorKindRows)[number]
/** The kinds that take jobs. */
export type JobKind = Extract<Row, { readonly hasJobs: true }>['name']
/** The kinds that serve live sessions. */
export type LiveKind = Extract<Row, { readonly hasSessions: true }>['name']

const rows: readonly ActorKindRow[] = actorKindRows
export const jobKinds = rows.filter(({ hasJobs }) => hasJobs).map(({ name }) => name as JobKind)
export const liveKinds = rows.filter(({ hasSessions }) => hasSessions).map(({ name }) => name as LiveKind)

/** The kinds that new tasks may wait for. */
export function listStartingKinds(all: readonly ActorKindRow[] = actorKindRows): readonly ActorKind[] {
  return all.filter(({ startsTask }) => startsTask !== undefined).map(({ name }) => name)
}
