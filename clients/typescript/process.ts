import type { Client, ProcessOptions, Processed, RecipeInput, Source, TaskView } from './client.ts'
import { failureOf } from './failure.ts'
import type { Wire } from './wire.ts'

/** How long telling the server that nobody wants a task any more may take. */
const farewellMs = 3000

/** The whole way of a picture: sent, worked on, watched. */
export async function process(
  client: Client,
  wire: Wire,
  source: Source,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<Processed> {
  const { signal, onImage, onTask, onAbort = 'cancel', onLeft } = options
  const image = await client.upload(source, options)
  onImage?.(image)
  const accepted = await client.createTask(image.id, recipe, { signal })
  onTask?.(accepted)
  const task = await finished(client, accepted, options)
  if (signal?.aborted) {
    // Not through the client: what ended this may have ended all of its calls.
    const farewell = onAbort === 'cancel' && wire.cancel(accepted.id, { timeoutMs: farewellMs })
    const isCancelled = await Promise.resolve(farewell).then(Boolean, () => false)
    onLeft?.(task, isCancelled)
    throw signal.reason
  }
  const failure = failureOf(task)
  if (failure) throw failure
  const { id, outputs } = task
  return {
    image,
    task,
    outputs: outputs.map((one) => ({
      ...one,
      download: (part) => client.download({ task: id, output: one.name }, part),
    })),
  }
}

/** The task as its last event tells. */
async function finished(
  client: Client,
  accepted: TaskView,
  { signal, onEvent, onConnection }: ProcessOptions,
): Promise<TaskView> {
  const { id } = accepted
  let last = accepted
  for await (const event of client.watch(id, { signal, onConnection })) {
    onEvent?.(event)
    last = event.task
  }
  return last
}
