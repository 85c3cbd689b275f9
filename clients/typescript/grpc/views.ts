import { fromJson, toJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import { timestampDate, ValueSchema, type Timestamp } from '@bufbuild/protobuf/wkt'
import type { Status } from '@pixelflow/core/status'
import {
  ActorState,
  Auth,
  Lane,
  TaskEventKind,
  TaskStatus,
  type ActorSchema,
  type GetVersionResponseSchema,
  type ImageSchema,
  type ListOperationsResponseSchema,
  type TaskEventSchema,
  type TaskSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type {
  ActorView,
  OperationCatalogue,
  EventView,
  ImageView,
  Lane as LaneName,
  OutputView,
  RecipeInput,
  ServerSettings,
  TaskEvent,
  TaskView,
} from '../client.ts'

/** Converts messages to the JSON views of REST, so that both protocols return the same values. */

export function toSettings(message: MessageShape<typeof GetVersionResponseSchema>): ServerSettings {
  const { version, maxUploadBytes, maxPixels, formats, auth } = message
  return {
    version,
    maxUploadBytes: Number(maxUploadBytes),
    maxPixels: Number(maxPixels),
    formats: formats as ServerSettings['formats'],
    auth: toLowerName(Auth[auth]) as ServerSettings['auth'],
  }
}

export function toCatalogue({
  operations,
  recipe,
}: MessageShape<typeof ListOperationsResponseSchema>): OperationCatalogue {
  return {
    operations: operations.map(({ name, title, summary, place, schema, text, examples }) => ({
      name,
      title,
      summary,
      place,
      schema,
      text: { usage: text?.usage ?? '', positional: text?.positional ?? [] },
      examples: examples.map((example) => ({
        text: example.text,
        recipe: example.recipe === undefined ? null : toJson(ValueSchema, example.recipe),
      })),
    })),
    recipe,
  } as unknown as OperationCatalogue
}

export function toActorView(message: MessageShape<typeof ActorSchema>): ActorView {
  const { capabilities, state, tasks, residentBytes, startedAt, seenAt } = message
  const { name, version, kinds, live, slots, held, sessions, children } = message
  const { reads, writes, operations } = requireMessage(capabilities)
  return {
    name,
    version,
    kinds,
    live,
    capabilities: { reads, writes, operations },
    state: toLowerName(ActorState[state]) as ActorView['state'],
    slots,
    held,
    tasks: tasks.map(({ task, attempt, since }) => ({ task, attempt, since: toIsoTime(since) })),
    sessions,
    children,
    residentBytes: Number(residentBytes),
    startedAt: toIsoTime(startedAt),
    seenAt: toIsoTime(seenAt),
  }
}

export function toImageView(message: MessageShape<typeof ImageSchema> | undefined): ImageView {
  const { id, sha256, bytes, format, width, height, createdAt } = requireMessage(message)
  return {
    id,
    sha256,
    bytes: Number(bytes),
    format: format as ImageView['format'],
    width: width ?? null,
    height: height ?? null,
    createdAt: toIsoTime(createdAt),
  }
}

export function toTaskView(message: MessageShape<typeof TaskSchema> | undefined): TaskView {
  const { id, status, progress, image, recipe, lane, outputs, attempt, actor, fault, retryOf, ...at } =
    requireMessage(message)
  return {
    id,
    status: toStatus(status),
    progress,
    image,
    recipe: recipe as unknown as TaskView['recipe'],
    // Servers older than lanes do not send the field.
    lane: lane === Lane.BULK ? 'bulk' : 'interactive',
    attempt,
    createdAt: toIsoTime(at.createdAt),
    updatedAt: toIsoTime(at.updatedAt),
    ...(actor === '' ? {} : { actor }),
    ...(retryOf === '' ? {} : { retryOf }),
    ...(fault === undefined
      ? {}
      : {
          fault: {
            code: fault.code,
            detail: fault.detail,
            ...(fault.field === '' ? {} : { field: fault.field }),
            ...(fault.remedy === '' ? {} : { remedy: fault.remedy }),
          } as NonNullable<TaskView['fault']>,
        }),
    ...(at.startedAt === undefined ? {} : { startedAt: toIsoTime(at.startedAt) }),
    ...(at.endedAt === undefined ? {} : { endedAt: toIsoTime(at.endedAt) }),
    outputs: outputs.map(({ name, format, mediaType, bytes, sha256, width, height, href }) => ({
      name,
      format: format as OutputView['format'],
      mediaType,
      bytes: Number(bytes),
      sha256,
      width,
      height,
      href,
    })),
  }
}

export function toTaskEvent(message: MessageShape<typeof TaskEventSchema> | undefined): TaskEvent {
  const { token, kind, at, output, task } = requireMessage(message)
  return {
    kind: toLowerName(TaskEventKind[kind]) as EventView['kind'],
    at: toIsoTime(at),
    ...(output === '' ? {} : { output }),
    task: toTaskView(task),
    token,
  }
}

/** Converts a recipe to a protobuf value. */
export function toRecipeValue(recipe: RecipeInput) {
  return fromJson(ValueSchema, recipe as JsonValue)
}

/** Converts a status to its enum number. */
export function toStatusNumber(status: Status | undefined): TaskStatus {
  return status === undefined ? TaskStatus.UNSPECIFIED : TaskStatus[status.toUpperCase() as Uppercase<Status>]
}

/** Converts a lane to its enum number. */
export function toLaneNumber(lane: LaneName | undefined): Lane {
  return lane === undefined ? Lane.UNSPECIFIED : Lane[lane.toUpperCase() as Uppercase<LaneName>]
}

function toStatus(number: TaskStatus): Status {
  return toLowerName(TaskStatus[number]) as Status
}

function toLowerName(name: string | undefined): string {
  return name?.toLowerCase() ?? 'unspecified'
}

function toIsoTime(at: Timestamp | undefined): string {
  return at === undefined ? '' : timestampDate(at).toISOString()
}

/** Returns a message field, which proto3 makes optional but which the server always sends. */
function requireMessage<T>(message: T | undefined): T {
  if (message === undefined) {
    throw new TypeError(
      'The gRPC response lacks a required message. Check that the address is that of a PixelFlow server.',
    )
  }
  return message
}
