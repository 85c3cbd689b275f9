import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { JsonObject } from '@bufbuild/protobuf'
import { viewTask } from '@pixelflow/core/api'
import { resumeToken, type EventKind, type StoredEvent } from '@pixelflow/core/event'
import type { FaultReport } from '@pixelflow/core/fault'
import type { ImageRecord } from '@pixelflow/core/image'
import { lanes, type Lane } from '@pixelflow/core/job'
import { statuses, type Status, type Task } from '@pixelflow/core/task'
import {
  Lane as LaneNumber,
  TaskEventKind,
  TaskStatus,
  type FaultSchema,
  type ImageSchema,
  type TaskEventSchema,
  type TaskSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'

/** Converts images, tasks and events to the messages that clients see. */

const statusNumbers: Readonly<Record<Status, TaskStatus>> = {
  queued: TaskStatus.QUEUED,
  running: TaskStatus.RUNNING,
  completed: TaskStatus.COMPLETED,
  failed: TaskStatus.FAILED,
  cancelled: TaskStatus.CANCELLED,
}

const kindNumbers: Readonly<Record<EventKind, TaskEventKind>> = {
  queued: TaskEventKind.QUEUED,
  started: TaskEventKind.STARTED,
  fetched: TaskEventKind.FETCHED,
  decoded: TaskEventKind.DECODED,
  output: TaskEventKind.OUTPUT,
  completed: TaskEventKind.COMPLETED,
  failed: TaskEventKind.FAILED,
  cancelled: TaskEventKind.CANCELLED,
  deleted: TaskEventKind.DELETED,
}

const laneNumbers: Readonly<Record<Lane, LaneNumber>> = {
  interactive: LaneNumber.INTERACTIVE,
  bulk: LaneNumber.BULK,
}

/** Undefined for an unknown number and for UNSPECIFIED. */
export function statusFrom(number: TaskStatus): Status | undefined {
  return statuses.find((one) => statusNumbers[one] === number)
}

/** Undefined for an unknown number and for UNSPECIFIED. */
export function laneFrom(number: LaneNumber): Lane | undefined {
  return lanes.find((one) => laneNumbers[one] === number)
}

export function imageMessage(record: ImageRecord): MessageInitShape<typeof ImageSchema> {
  const { id, sha256, bytes, format, width, height, createdAt } = record
  return {
    id,
    sha256,
    bytes: BigInt(bytes),
    format,
    ...(width === null ? {} : { width }),
    ...(height === null ? {} : { height }),
    createdAt: moment(createdAt),
  }
}

export function taskMessage(task: Task): MessageInitShape<typeof TaskSchema> {
  const { id, status, progress, image, recipe, lane, outputs, attempt, actor, fault, retryOf, ...rest } =
    viewTask(task)
  return {
    id,
    status: statusNumbers[status],
    progress,
    image,
    recipe: recipe as unknown as JsonObject,
    lane: laneNumbers[lane],
    outputs: outputs.map((one) => ({ ...one, bytes: BigInt(one.bytes) })),
    attempt,
    createdAt: moment(rest.createdAt),
    updatedAt: moment(rest.updatedAt),
    ...(actor === undefined ? {} : { actor }),
    ...(retryOf === undefined ? {} : { retryOf }),
    ...(fault === undefined ? {} : { fault: faultMessage(fault) }),
    ...(rest.startedAt === undefined ? {} : { startedAt: moment(rest.startedAt) }),
    ...(rest.endedAt === undefined ? {} : { endedAt: moment(rest.endedAt) }),
  }
}

export function faultMessage({
  code,
  detail,
  field = '',
  remedy = '',
}: FaultReport): MessageInitShape<typeof FaultSchema> {
  return { code, detail, field, remedy }
}

export function eventMessage({ seq, event }: StoredEvent): MessageInitShape<typeof TaskEventSchema> {
  const { kind, at, output, task } = event
  return {
    token: resumeToken(seq),
    kind: kindNumbers[kind],
    at: moment(at),
    ...(output === undefined ? {} : { output }),
    task: taskMessage(task),
  }
}

function moment(iso: string) {
  return timestampFromDate(new Date(iso))
}
