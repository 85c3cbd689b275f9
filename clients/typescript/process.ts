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

/** How long cancelling a task that its caller has left may take, in milliseconds. */
const farewellMs = 3000

/** The whole way of a picture: sent, worked on, followed. */
export async function process(
  client: Client,
  transport: Transport,
  source: Source,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const { signal, onImage, onTask, onAbort = 'cancel', onLeft } = options
  // A key is good for one kind of call.
  const { idempotencyKey: key, lane } = options
  const image = await client.upload(source, { ...options, idempotencyKey: key && `${key}.image` })
  onImage?.(image)
  const making = { signal, lane, idempotencyKey: key && `${key}.task` }
  const accepted = await client.createTask(image.id, recipe, making).catch(async (thrown: unknown) => {
    if (!signal?.aborted || onAbort !== 'cancel' || making.idempotencyKey === undefined) throw thrown
    // The task may have been made all the same: the same key finds it, or makes one that is cancelled at once.
    const again = { ...making, signal: undefined, timeoutMs: farewellMs }
    const made = await transport.createTask(image.id, recipe, again).catch(() => undefined)
    if (made) onLeft?.(made.id, await cancelled(transport, made.id))
    throw thrown
  })
  onTask?.(accepted)
  return { image, ...(await client.follow(accepted.id, { ...options, onAbort })) }
}

/** Cancels a task that its caller has left; whether that was heard. */
function cancelled(transport: Transport, id: string): Promise<boolean> {
  return transport.cancel(id, { timeoutMs: farewellMs }).then(Boolean, () => false)
}

/** A task to its end, over as many connections as it takes. */
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
    // Not through the client: what ended this may have ended all of its calls.
    onLeft?.(id, onAbort === 'cancel' && (await cancelled(transport, id)))
    throw signal.reason
  }
  // A stream that was taken up after its end has nothing more to tell.
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
