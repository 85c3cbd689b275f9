import type {
  Client,
  Finished,
  FollowOptions,
  ProcessOptions,
  Processed,
  RecipeInput,
  Source,
  TaskView,
} from './client.ts'
import { failureOf } from './failure.ts'
import type { Wire } from './wire.ts'

/** How long telling the server that nobody wants a task any more may take. */
const farewellMs = 3000

/** The whole way of a picture: sent, worked on, followed. */
export async function process(
  client: Client,
  source: Source,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<Processed> {
  const { signal, onImage, onTask, onAbort = 'cancel' } = options
  // A key is good for one kind of call.
  const { idempotencyKey: key, lane } = options
  const image = await client.upload(source, { ...options, idempotencyKey: key && `${key}.image` })
  onImage?.(image)
  const making = { signal, lane, idempotencyKey: key && `${key}.task` }
  const accepted = await client.createTask(image.id, recipe, making)
  onTask?.(accepted)
  return { image, ...(await client.follow(accepted.id, { ...options, onAbort })) }
}

/** A task to its end, over as many connections as it takes. */
export async function follow(
  client: Client,
  wire: Wire,
  id: string,
  options: FollowOptions = {},
): Promise<Finished> {
  const { signal, onEvent, onAbort = 'leave', onLeft } = options
  let last: TaskView | undefined
  for await (const event of client.watch(id, options)) {
    onEvent?.(event)
    last = event.task
  }
  if (signal?.aborted) {
    // Not through the client: what ended this may have ended all of its calls.
    const farewell = onAbort === 'cancel' && wire.cancel(id, { timeoutMs: farewellMs })
    const isCancelled = await Promise.resolve(farewell).then(Boolean, () => false)
    onLeft?.(id, isCancelled)
    throw signal.reason
  }
  // A stream that was taken up after its end has nothing more to tell.
  const task = last ?? (await client.task(id, { signal }))
  const failure = failureOf(task)
  if (failure) throw failure
  return {
    task,
    outputs: task.outputs.map((one) => ({
      ...one,
      download: (part) => client.download({ task: id, output: one.name }, part),
    })),
  }
}
