import type {
  Client,
  TaskResult,
  FollowOptions,
  ProcessOptions,
  ProcessResult,
  RecipeInput,
  Source,
  TaskView,
} from './client.ts'
import { taskError } from './task-error.ts'
import type { Transport } from './transport.ts'

/** Timeout of the cancel call after an abort, in milliseconds. */
const cancelTimeoutMs = 3000

/** Uploads an image, creates a task and follows it to its end. */
export async function process(
  client: Client,
  transport: Transport,
  source: Source,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const { signal, onImage, onTask, onAbort = 'cancel', onLeft } = options
  // An idempotency key is valid for one kind of call.
  const { idempotencyKey: key, lane } = options
  const image = await client.upload(source, { ...options, idempotencyKey: key && `${key}.image` })
  onImage?.(image)
  const making = { signal, lane, idempotencyKey: key && `${key}.task` }
  const accepted = await client.createTask(image.id, recipe, making).catch(async (thrown: unknown) => {
    if (!signal?.aborted || onAbort !== 'cancel' || making.idempotencyKey === undefined) throw thrown
    // The task may exist although the call was aborted. The same key finds it, or creates one that is cancelled at once.
    const again = { ...making, signal: undefined, timeoutMs: cancelTimeoutMs }
    const made = await transport.createTask(image.id, recipe, again).catch(() => undefined)
    if (made) onLeft?.(made.id, await cancelled(transport, made.id))
    throw thrown
  })
  onTask?.(accepted)
  return { image, ...(await client.follow(accepted.id, { ...options, onAbort })) }
}

/** Cancels a task after an abort. Resolves to whether that succeeded. */
function cancelled(transport: Transport, id: string): Promise<boolean> {
  return transport.cancel(id, { timeoutMs: cancelTimeoutMs }).then(Boolean, () => false)
}

/** Follows a task to its end, reopening broken connections. */
export async function follow(
  client: Client,
  transport: Transport,
  id: string,
  options: FollowOptions = {},
): Promise<TaskResult> {
  const { signal, onEvent, onAbort = 'leave', onLeft } = options
  let last: TaskView | undefined
  for await (const event of client.watch(id, options)) {
    onEvent?.(event)
    last = event.task
  }
  if (signal?.aborted) {
    // Not through the client: its signal may be the one that aborted.
    onLeft?.(id, onAbort === 'cancel' && (await cancelled(transport, id)))
    throw signal.reason
  }
  // A stream resumed after the final event has no events.
  const task = last ?? (await client.task(id, { signal }))
  const failure = taskError(task)
  if (failure) throw failure
  return {
    task,
    outputs: task.outputs.map((one) => ({
      ...one,
      download: (part) => client.download({ task: id, output: one.name }, part),
    })),
  }
}
