import { z } from 'zod'
import { component } from './component.ts'
import { actorReport, heldTask, type ActorStatus } from './actor.ts'
import { deadLetter, deadLetterId, type DeadLetter } from './dead-letter.ts'
import { eventKind, type TaskEvent } from './event.ts'
import { imageFormat, imageRecord, type ImageRecord } from './image.ts'
import type { DeadLetterPage } from './ports/dead-letters.ts'
import type { TaskPage } from './ports/task-index.ts'
import { recipe } from './recipe/recipe.ts'
import { output, task, type Task } from './task.ts'

/**
 * Resources as the REST API returns them (views), and the only mapping from the domain types to them: a view omits the
 * account and internal fields.
 */

export const imageView = component('Image', imageRecord.omit({ account: true, location: true }))
export type ImageView = z.infer<typeof imageView>

export function viewImage(record: ImageRecord): ImageView {
  const { account: _, location: _location, ...view } = record
  return view
}

export const outputView = component(
  'Output',
  output.omit({ location: true }).extend({
    href: z.string().meta({ description: 'Path of the file on this server.' }),
  }),
)
export type OutputView = z.infer<typeof outputView>

export const taskView = component(
  'Task',
  task.omit({ account: true, outputs: true, traceparent: true }).extend({
    outputs: z.array(outputView),
    traceId: z
      .string()
      .optional()
      .meta({ description: 'The trace of the call that created the task, where the server records traces.' }),
  }),
)
export type TaskView = z.infer<typeof taskView>

export function viewTask(whole: Task): TaskView {
  const { account: _, outputs, traceparent, ...rest } = whole
  return {
    ...rest,
    outputs: outputs.map(({ location: _location, ...one }) => ({
      ...one,
      href: `/api/v1/tasks/${whole.id}/outputs/${one.name}`,
    })),
    // Version, trace, span and flags, separated by hyphens.
    ...(traceparent === undefined ? {} : { traceId: traceparent.split('-')[1] }),
  }
}

/** Data of one server-sent event; the SSE event name is `kind`, the SSE id the resume token. */
export const eventView = component(
  'Event',
  z.object({
    kind: eventKind,
    at: z.iso.datetime(),
    output: z
      .string()
      .optional()
      .meta({ description: 'Name of the finished output; only for the kind `output`.' }),
    task: taskView,
  }),
)
export type EventView = z.infer<typeof eventView>

export function viewEvent(event: TaskEvent): EventView {
  const { kind, at, output: name, task: whole } = event
  return { kind, at, ...(name === undefined ? {} : { output: name }), task: viewTask(whole) }
}

const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'The `cursor` of the next page; null on the last page.' })

export const taskPageView = component('TaskPage', z.object({ items: z.array(taskView), next: nextCursor }))
export type TaskPageView = z.infer<typeof taskPageView>

export function viewTaskPage({ items, next }: TaskPage): TaskPageView {
  return { items: items.map((json) => JSON.parse(json) as TaskView), next }
}

/** The JSON of `viewTaskPage`. */
export function formatTaskPage({ items, next }: TaskPage): string {
  return `{"items":[${items.join(',')}],"next":${JSON.stringify(next)}}`
}

/** An actor. `held` counts all its tasks; `tasks` lists those of the caller. */
export const actorView = component(
  'Actor',
  actorReport.omit({ workers: true, leaderOf: true }).extend({
    tasks: z.array(heldTask.omit({ account: true })),
    /** When its last report arrived. */
    seenAt: z.iso.datetime(),
  }),
)
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

export const actorsView = component('Actors', z.object({ items: z.array(actorView) }))
export type ActorsView = z.infer<typeof actorsView>

/** A dead letter as operators see it. */
export const deadLetterView = component('DeadLetter', deadLetter.extend({ id: z.string() }))
export type DeadLetterView = z.infer<typeof deadLetterView>

export function viewDeadLetter(deadLetter: DeadLetter): DeadLetterView {
  return { id: deadLetterId(deadLetter), ...deadLetter }
}

export const deadLetterPageView = component(
  'DeadLetterPage',
  z.object({ items: z.array(deadLetterView), next: nextCursor }),
)
export type DeadLetterPageView = z.infer<typeof deadLetterPageView>

export function viewDeadLetterPage({ items, next }: DeadLetterPage): DeadLetterPageView {
  return { items: items.map(viewDeadLetter), next }
}

/** What a client needs to know before its first call. Public. */
export const settingsView = component(
  'Settings',
  z.object({
    version: z.string(),
    /** Largest accepted file, in bytes. */
    maxUploadBytes: z.int(),
    /** Most pixels (width × height) of an image. */
    maxPixels: z.int(),
    /** Accepted image formats. */
    formats: z.array(imageFormat),
    /** The credentials that calls need. */
    auth: z.enum(['none', 'token', 'certificate']),
  }),
)
export type SettingsView = z.infer<typeof settingsView>

const operationText = component(
  'OperationText',
  z
    .object({
      usage: z.string().meta({ description: 'The form with its parameters.' }),
      positional: z.array(z.string()).readonly().meta({
        description: 'Parameters whose values can be written without a name, in order.',
      }),
    })
    .meta({ description: 'The operation in the short text form.' }),
)
const operationExample = component(
  'OperationExample',
  z.object({ text: z.string(), recipe }).meta({ description: 'A recipe in both forms.' }),
)
/** One operation of the catalogue. */
export const operationView = component(
  'Operation',
  z.object({
    name: z.string(),
    title: z.string(),
    summary: z.string(),
    place: z
      .enum(['first', 'any', 'last'])
      .meta({ description: 'The allowed position among the steps of an output.' }),
    schema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of a step.' }),
    text: operationText,
    examples: z.array(operationExample),
  }),
)

/** Body of `GET /api/v1/operations`, which `describeOperations` creates. */
export const operationsView = component(
  'OperationCatalogue',
  z
    .object({
      operations: z.array(operationView),
      recipe: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of a recipe.' }),
    })
    .meta({
      description: 'Every operation with the JSON Schema of its parameters, and the schema of a recipe.',
    }),
)
