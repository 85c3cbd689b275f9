import type { MessageInitShape } from '@bufbuild/protobuf'
import { formatResumeToken, isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Task } from '@pixelflow/core/task'
import { viewEvent, viewTask } from '@pixelflow/core/views'
import { toMessage } from '@pixelflow/proto/message-json'
import {
  OutputSchema,
  TaskEventSchema,
  type ImageService,
  type ProcessResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import * as calls from '../../calls/calls.gen.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import { gatewayStopping } from '../../gateway-stopping.ts'
import { describeTaskRequest } from '../../tasks/accept-task.ts'
import type { ResumePoint } from '../../tasks/watch-task.ts'
import type { Usecases } from '../../usecases.ts'
import { readInput } from './call-methods.ts'
import { downloadContent, requireValidRange } from './download-content.ts'
import type { Call, Implementation } from './implementation.ts'
import { readContentChunks } from './read-content-chunks.ts'
import { requireId } from './require-id.ts'

type Methods = Implementation<typeof ImageService>

/** The streaming methods for tasks and for stored files. */
export function taskStreams(
  usecases: Usecases,
  runner: CallRunner,
): Pick<Methods, 'process' | 'watchTask' | 'download'> {
  return {
    async *process(message, call) {
      const { processTask } = calls
      const { image, recipe, lane } = readInput(processTask, message)
      const who = call.principal()
      const created = await runner.create(
        processTask,
        'task',
        who,
        call,
        async (keyed) =>
          keyed?.earlierResult(image, ...describeTaskRequest(recipe, lane)) ??
          usecases.acceptTask(who, image, recipe, { id: keyed?.task, lane }),
      )
      call.recordPosition(created.position)
      const { id } = created.value
      let last: Task | undefined
      for await (const one of watchToEnd(usecases, call, id, undefined)) {
        last = one.event.task
        yield { data: { case: 'event', value: toEventMessage(one) } }
      }
      yield* readResults(usecases, call, requireCompleted(last, id))
    },
    async *watchTask(message, call) {
      const { id, after } = readInput(calls.watchTask, message)
      const from = after === undefined ? undefined : { token: after, field: 'after' }
      for await (const one of watchToEnd(usecases, call, id, from, call.goaway))
        yield { event: toEventMessage(one) }
    },
    async *download({ source, offset, length }, call) {
      const who = call.principal()
      if (source.case === undefined) throw missingSource()
      requireValidRange(offset, length)
      const content =
        source.case === 'image'
          ? await usecases.getImageContent(who, requireId('image', source.value, 'image'))
          : await usecases.getOutput(
              who,
              requireId('output.task', source.value.task, 'task'),
              source.value.name || 'default',
            )
      yield* downloadContent(content, { offset, ...(length === undefined ? {} : { length }) })
    },
  }
}

function toEventMessage(one: StoredEvent): MessageInitShape<typeof TaskEventSchema> {
  return toMessage(TaskEventSchema, { ...viewEvent(one.event), token: formatResumeToken(one) })
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
    for await (const found of events) {
      for (const one of found) {
        yield one
        if (isFinal(one.event)) return
      }
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
  { getOutput }: Usecases,
  call: Call,
  task: Task,
): AsyncGenerator<MessageInitShape<typeof ProcessResponseSchema>, void> {
  for (const output of viewTask(task).outputs) {
    yield { data: { case: 'output', value: toMessage(OutputSchema, output) } }
    const content = await getOutput(call.principal(), task.id, output.name)
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

function missingSource(): Fault {
  return new Fault('invalid_request', 'The download has no source.', {
    field: 'source',
    remedy: 'Set image or output.',
  })
}
