import { create, toBinary, type DescEnum, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import type { Value } from '@bufbuild/protobuf/wkt'
import { isFinal, parseResumeToken, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
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
import { taskRequestParts } from '../../tasks/create-task.ts'
import type { Usecases } from '../../usecases.ts'
import { chunksOf, requireValidRange, download } from './content.ts'
import { plainValue } from './plain-value.ts'
import { largestMessage, type Call, type Implementation } from './rpc.ts'
import { eventMessage, laneFrom, statusFrom, taskMessage } from './views.ts'

type Methods = Implementation<typeof ImageService>

/** The methods about tasks and about stored bytes. */
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
      const task = await accepted(usecases, call, 'task', image, recipeOf(recipe), laneOf(lane))
      return { task: taskMessage(task) }
    },
    async *process({ image, recipe, lane }, call) {
      const { id } = await accepted(usecases, call, 'process', image, recipeOf(recipe), laneOf(lane))
      let last: Task | undefined
      for await (const one of follow(usecases, call, id, 0)) {
        last = one.event.task
        yield { data: { case: 'event', value: eventMessage(one) } }
      }
      yield* results(usecases, call, requireCompleted(last, id))
    },
    async *watchTask({ id, after }, call) {
      for await (const one of follow(usecases, call, id, afterOf(after), call.moving))
        yield { event: eventMessage(one) }
    },
    async getTask({ id }, call) {
      return { task: taskMessage(await usecases.getTask(call.caller(), id, call.position)) }
    },
    async listTasks(request, call) {
      const who = call.caller()
      const query = queryOf(request)
      for (let limit = query.limit; ; limit = Math.ceil(limit / 2)) {
        const { items, next } = await usecases.listTasks(who, { ...query, limit }, call.position)
        const page = create(ListTasksResponseSchema, { items: items.map(taskMessage), next: next ?? '' })
        // Tasks with long recipes make a page longer than clients take; the cursor leads on from a shorter one.
        if (limit === 1 || toBinary(ListTasksResponseSchema, page).length < largestMessage) return page
      }
    },
    async cancelTask({ id }, call) {
      const task = await usecases.cancelTask(call.caller(), id)
      tell(usecases, call)
      return { task: taskMessage(task) }
    },
    async retryTask({ id }, call) {
      const who = call.caller()
      const asked = { key: call.idempotencyKey, call: 'retry', creates: 'task' } as const
      const { value } = await usecases.withIdempotency(
        who,
        asked,
        async (repeatable) => repeatable?.earlierResult(id) ?? usecases.retryTask(who, id, repeatable?.task),
      )
      tell(usecases, call)
      return { task: taskMessage(value) }
    },
    async deleteTask({ id }, call) {
      await usecases.deleteTask(call.caller(), id)
      tell(usecases, call)
      return {}
    },
    async *download({ source, offset, length }, call) {
      const who = call.caller()
      if (source.case === undefined) throw noSource()
      requireValidRange(offset, length)
      const content =
        source.case === 'image'
          ? await usecases.readImage(who, source.value)
          : await usecases.readOutput(who, source.value.task, source.value.name || 'default')
      yield* download(content, { offset, ...(length === undefined ? {} : { length }) })
    },
  }
}

/** The task that a call makes, once for each idempotency key. */
async function accepted(
  usecases: Usecases,
  visit: Call,
  call: 'task' | 'process',
  image: string,
  recipe: Recipe,
  lane: Lane,
): Promise<Task> {
  const who = visit.caller()
  const asked = { key: visit.idempotencyKey, call, creates: 'task' } as const
  const { value } = await usecases.withIdempotency(
    who,
    asked,
    async (repeatable) =>
      repeatable?.earlierResult(image, ...taskRequestParts(recipe, lane)) ??
      usecases.createTask(who, image, recipe, { id: repeatable?.task, lane }),
  )
  tell(usecases, visit)
  return value
}

/** Has the answer say how far its account has written. */
export function tell({ positionOf }: Usecases, call: Call): void {
  call.recordPosition(positionOf(call.caller().account))
}

/**
 * Events up to the final one.
 * @param moving ends them before it, too
 * @throws Fault `unavailable` when they end before it because the gateway stops or the connection is to be left.
 */
async function* follow(
  { watchTask }: Usecases,
  call: Call,
  id: string,
  after: number,
  moving?: AbortSignal,
): AsyncGenerator<StoredEvent, void> {
  const ending = new AbortController()
  const end = () => ending.abort()
  for (const signal of [call.signal, moving]) {
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
  }
  try {
    const events = await watchTask(call.caller(), id, after, ending.signal)
    if (events === null) return
    for await (const one of events) {
      yield one
      if (isFinal(one.event)) return
    }
  } finally {
    for (const signal of [call.signal, moving]) signal?.removeEventListener('abort', end)
  }
  call.signal.throwIfAborted()
  const why = moving?.aborted ? 'This connection has grown old.' : 'This gateway is stopping.'
  throw new Fault('unavailable', why, {
    remedy: 'Watch the task again, after the token of the last event seen: another gateway goes on.',
    retryAfterMs: 100,
  })
}

async function* results(
  { readOutput }: Usecases,
  call: Call,
  task: Task,
): AsyncGenerator<MessageInitShape<typeof ProcessResponseSchema>, void> {
  for (const output of taskMessage(task).outputs ?? []) {
    yield { data: { case: 'output', value: output } }
    const content = await readOutput(call.caller(), task.id, output.name ?? '')
    for await (const value of chunksOf(content)) yield { data: { case: 'chunk', value } }
  }
}

function requireCompleted(task: Task | undefined, id: string): Task {
  if (task?.status === 'completed') return task
  if (task?.fault) throw Fault.from(task.fault)
  throw new Fault('cancelled', `The task ${id} was cancelled or deleted.`)
}

/** A recipe in either form. @throws Fault `invalid_recipe`. */
export function recipeOf(value: Value | undefined): Recipe {
  if (value !== undefined && value.kind.case !== undefined) return parseRecipe(plainValue(value))
  throw new Fault('invalid_recipe', 'There is no recipe.', {
    field: 'recipe',
    remedy: 'Send it in the short text form, such as "resize:800/format:webp", or as a struct.',
  })
}

/** @throws Fault `invalid_request`. */
function laneOf(number: LaneNumber): Lane {
  const lane = number === LaneNumber.UNSPECIFIED ? defaultLane : laneFrom(number)
  if (lane !== undefined) return lane
  throw new Fault('invalid_request', `There is no lane ${number}.`, {
    field: 'lane',
    remedy: `Send one of ${namesOf(LaneSchema)}, or leave it out.`,
  })
}

/** What an enum value may be, by the names that the proto has. */
function namesOf({ values }: DescEnum): string {
  return values
    .filter(({ number }) => number !== 0)
    .map(({ name }) => name)
    .join(', ')
}

/** @throws Fault `invalid_request`. */
function queryOf({ status, limit, cursor }: MessageShape<typeof ListTasksRequestSchema>) {
  if (limit < 0 || limit > 200) {
    throw new Fault('invalid_request', `limit must be a whole number from 1 to 200, not ${limit}.`, {
      field: 'limit',
      remedy: 'Give limit a whole number from 1 to 200, or leave it out for 50.',
    })
  }
  const known = statusFrom(status)
  if (status !== TaskStatus.UNSPECIFIED && known === undefined) {
    throw new Fault('invalid_request', `There is no task status ${status}.`, {
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

/** @throws Fault `invalid_request`. */
function afterOf(token: string): number {
  if (token === '') return 0
  const seq = parseResumeToken(token)
  if (seq !== undefined) return seq
  throw new Fault('invalid_request', 'The resume token is none that this server gave out.', {
    field: 'after',
    remedy: 'Send the token of the last event seen, or none to begin at the first event.',
  })
}

function noSource(): Fault {
  return new Fault('invalid_request', 'Nothing was named to be downloaded.', {
    field: 'source',
    remedy: 'Name an image or an output.',
  })
}
