import type { MessageInitShape } from '@bufbuild/protobuf'
import type { JsonObject } from '@bufbuild/protobuf'
import { viewTask } from '@pixelflow/core/views'
import { formatResumeToken, type EventKind, type StoredEvent } from '@pixelflow/core/event'
import type { FaultReport } from '@pixelflow/core/fault'
import { lanes, type Lane } from '@pixelflow/core/job'
import { statuses, type Status, type Task } from '@pixelflow/core/task'
import {
  Lane as LaneNumber,
  TaskEventKind,
  TaskStatus,
  type FaultSchema,
  type TaskEventSchema,
  type TaskSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { toTimestamp } from './to-timestamp.ts'

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
export function fromTaskStatus(number: TaskStatus): Status | undefined {
  return statuses.find((one) => statusNumbers[one] === number)
}

/** Undefined for an unknown number and for UNSPECIFIED. */
export function fromLaneNumber(number: LaneNumber): Lane | undefined {
  return lanes.find((one) => laneNumbers[one] === number)
}

export function toTaskMessage(task: Task): MessageInitShape<typeof TaskSchema> {
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
    createdAt: toTimestamp(rest.createdAt),
    updatedAt: toTimestamp(rest.updatedAt),
    ...(actor === undefined ? {} : { actor }),
    ...(retryOf === undefined ? {} : { retryOf }),
    ...(fault === undefined ? {} : { fault: toFaultMessage(fault) }),
    ...(rest.startedAt === undefined ? {} : { startedAt: toTimestamp(rest.startedAt) }),
    ...(rest.endedAt === undefined ? {} : { endedAt: toTimestamp(rest.endedAt) }),
  }
}

export function toFaultMessage({
  code,
  detail,
  field = '',
  remedy = '',
}: FaultReport): MessageInitShape<typeof FaultSchema> {
  return { code, detail, field, remedy }
}

export function toEventMessage({ seq, event }: StoredEvent): MessageInitShape<typeof TaskEventSchema> {
  const { kind, at, output, task } = event
  return {
    token: formatResumeToken(seq),
    kind: kindNumbers[kind],
    at: toTimestamp(at),
    ...(output === undefined ? {} : { output }),
    task: toTaskMessage(task),
  }
}
