import { create, toBinary, type DescEnum, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import {
  Lane as LaneNumber,
  LaneSchema,
  ListTasksResponseSchema,
  TaskStatus,
  TaskStatusSchema,
  type ImageService,
  type ListTasksRequestSchema,
  type ProcessResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { gatewayStopping } from '../../gateway-stopping.ts'
import { describeTaskRequest } from '../../tasks/create-task.ts'
import type { ResumePoint } from '../../tasks/watch-task.ts'
import type { Usecases } from '../../usecases.ts'
import { downloadContent, requireValidRange } from './download-content.ts'
import { parseRecipeValue } from './parse-recipe-value.ts'
import { readContentChunks } from './read-content-chunks.ts'
import { requireId } from './require-id.ts'
import { maxMessageBytes, type Call, type Implementation } from './implementation.ts'
import { toEventMessage, fromLaneNumber, fromTaskStatus, toTaskMessage } from './to-task-message.ts'

type Methods = Implementation<typeof ImageService>

/** The methods for tasks and for stored files. */
export function taskMethods(
  usecases: Usecases,
): Pick<
  Methods,
  | 'createTask'
  | 'process'
  | 'watchTask'
  | 'getTask'
  | 'listTasks'
  | 'cancelTask'
  | 'retryTask'
  | 'deleteTask'
  | 'download'
> {
  return {
    async createTask({ image, recipe, lane }, call) {
      requireId('image', image, 'image')
      const task = await createTask(usecases, call, 'task', image, parseRecipeValue(recipe), laneOf(lane))
      return { task: toTaskMessage(task) }
    },
    async *process({ image, recipe, lane }, call) {
      requireId('image', image, 'image')
      const { id } = await createTask(
        usecases,
        call,
        'process',
        image,
        parseRecipeValue(recipe),
        laneOf(lane),
      )
      let last: Task | undefined
      for await (const one of watchToEnd(usecases, call, id, undefined)) {
        last = one.event.task
        yield { data: { case: 'event', value: toEventMessage(one) } }
      }
      yield* readResults(usecases, call, requireCompleted(last, id))
    },
    async *watchTask({ id, after }, call) {
      requireId('id', id, 'task')
      const from = after === '' ? undefined : { token: after, field: 'after' }
      for await (const one of watchToEnd(usecases, call, id, from, call.goaway))
        yield { event: toEventMessage(one) }
    },
    async getTask({ id }, call) {
      return {
        task: toTaskMessage(
          await usecases.getTask(call.principal(), requireId('id', id, 'task'), call.position),
        ),
      }
    },
    async listTasks(request, call) {
      const principal = call.principal()
      const query = queryOf(request)
      for (let limit = query.limit; ; limit = Math.ceil(limit / 2)) {
        const { items, next } = await usecases.listTasks(principal, { ...query, limit }, call.position)
        const page = create(ListTasksResponseSchema, { items: items.map(toTaskMessage), next: next ?? '' })
        // Long recipes can make a page larger than clients accept. The cursor continues from a shorter page.
        if (limit === 1 || toBinary(ListTasksResponseSchema, page).length < maxMessageBytes) return page
      }
    },
    async cancelTask({ id }, call) {
      const task = await usecases.cancelTask(call.principal(), requireId('id', id, 'task'))
      recordPosition(usecases, call)
      return { task: toTaskMessage(task) }
    },
    async retryTask({ id }, call) {
      requireId('id', id, 'task')
      const principal = call.principal()
      const options = { key: call.idempotencyKey, call: 'retry', creates: 'task' } as const
      const { value } = await usecases.withIdempotency(
        principal,
        options,
        async (idempotentCall) =>
          idempotentCall?.earlierResult(id) ?? usecases.retryTask(principal, id, idempotentCall?.task),
      )
      recordPosition(usecases, call)
      return { task: toTaskMessage(value) }
    },
    async deleteTask({ id }, call) {
      await usecases.deleteTask(call.principal(), requireId('id', id, 'task'))
      recordPosition(usecases, call)
      return {}
    },
    async *download({ source, offset, length }, call) {
      const principal = call.principal()
      if (source.case === undefined) throw missingSource()
      requireValidRange(offset, length)
      const content =
        source.case === 'image'
          ? await usecases.readImage(principal, requireId('image', source.value, 'image'))
          : await usecases.readOutput(
              principal,
              requireId('output.task', source.value.task, 'task'),
              source.value.name || 'default',
            )
      yield* downloadContent(content, { offset, ...(length === undefined ? {} : { length }) })
    },
  }
}

/** Creates the task of a call, once for each idempotency key. */
async function createTask(
  usecases: Usecases,
  call: Call,
  kind: 'task' | 'process',
  image: string,
  recipe: Recipe,
  lane: Lane,
): Promise<Task> {
  const principal = call.principal()
  const options = { key: call.idempotencyKey, call: kind, creates: 'task' } as const
  const { value } = await usecases.withIdempotency(
    principal,
    options,
    async (idempotentCall) =>
      idempotentCall?.earlierResult(image, ...describeTaskRequest(recipe, lane)) ??
      usecases.createTask(principal, image, recipe, { id: idempotentCall?.task, lane }),
  )
  recordPosition(usecases, call)
  return value
}

/** Sends the position of the account's latest write in the response headers. */
export function recordPosition({ positionOf }: Usecases, call: Call): void {
  call.recordPosition(positionOf(call.principal().account))
}

/**
 * The events of a task up to its final one.
 * @param goaway ends them earlier
 * @throws Fault `unavailable` when they end earlier, because the gateway stops or the connection got GOAWAY.
 */
async function* watchToEnd(
  { watchTask }: Usecases,
  call: Call,
  id: string,
  after: ResumePoint | undefined,
  goaway?: AbortSignal,
): AsyncGenerator<StoredEvent, void> {
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of [call.signal, goaway]) {
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
  }
  try {
    const events = await watchTask(call.principal(), id, after, stop.signal)
    if (events === null) return
    for await (const one of events) {
      yield one
      if (isFinal(one.event)) return
    }
  } finally {
    for (const signal of [call.signal, goaway]) signal?.removeEventListener('abort', end)
  }
  call.signal.throwIfAborted()
  const remedy =
    'Call WatchTask again with the token of the last received event. Another gateway continues the stream.'
  if (!goaway?.aborted) throw gatewayStopping(remedy)
  throw new Fault('unavailable', 'The connection has reached its maximum age.', { remedy, retryAfterMs: 100 })
}

async function* readResults(
  { readOutput }: Usecases,
  call: Call,
  task: Task,
): AsyncGenerator<MessageInitShape<typeof ProcessResponseSchema>, void> {
  for (const output of toTaskMessage(task).outputs ?? []) {
    yield { data: { case: 'output', value: output } }
    const content = await readOutput(call.principal(), task.id, output.name ?? '')
    for await (const value of readContentChunks(content)) yield { data: { case: 'chunk', value } }
  }
}

function requireCompleted(task: Task | undefined, id: string): Task {
  if (task?.status === 'completed') return task
  if (task?.fault) throw Fault.from(task.fault)
  throw new Fault('cancelled', `Task ${id} was cancelled or deleted.`, {
    remedy: 'Create a new task if its result is still needed.',
  })
}

/** @throws Fault `invalid_request`. */
function laneOf(number: LaneNumber): Lane {
  const lane = number === LaneNumber.UNSPECIFIED ? defaultLane : fromLaneNumber(number)
  if (lane !== undefined) return lane
  throw new Fault('invalid_request', `Unknown lane ${number}.`, {
    field: 'lane',
    remedy: `Send one of ${namesOf(LaneSchema)}, or leave it out.`,
  })
}

/** The values of an enum by their names in the proto. */
function namesOf({ values }: DescEnum): string {
  return values
    .filter(({ number }) => number !== 0)
    .map(({ name }) => name)
    .join(', ')
}

/** @throws Fault `invalid_request`. */
function queryOf({ status, limit, cursor }: MessageShape<typeof ListTasksRequestSchema>) {
  if (limit < 0 || limit > 200) {
    throw new Fault('invalid_request', `limit must be 1 to 200, got ${limit}.`, {
      field: 'limit',
      remedy: 'Set limit to a whole number from 1 to 200, or leave it out for 50.',
    })
  }
  const known = fromTaskStatus(status)
  if (status !== TaskStatus.UNSPECIFIED && known === undefined) {
    throw new Fault('invalid_request', `Unknown task status ${status}.`, {
      field: 'status',
      remedy: `Send one of ${namesOf(TaskStatusSchema)}, or leave it out for all.`,
    })
  }
  return {
    limit: limit || 50,
    ...(known === undefined ? {} : { status: known }),
    ...(cursor === '' ? {} : { cursor }),
  }
}

function missingSource(): Fault {
  return new Fault('invalid_request', 'The download has no source.', {
    field: 'source',
    remedy: 'Set image or output.',
  })
}
