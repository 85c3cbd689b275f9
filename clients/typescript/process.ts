import type { Client, ProcessOptions, Processed, RecipeInput, Source, TaskView } from './client.ts'
import { failureOf } from './failure.ts'

/** How long telling the server that nobody wants a task any more may take. */
const farewellMs = 3000

/** The whole way of a picture: sent, worked on, watched. */
export async function process(
  client: Client,
  source: Source,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<Processed> {
  const { signal, onImage, onTask, onAbort = 'cancel' } = options
  const image = await client.upload(source, options)
  onImage?.(image)
  const accepted = await client.createTask(image.id, recipe, { signal })
  onTask?.(accepted)
  const task = await finished(client, accepted, options)
  if (signal?.aborted) {
    if (onAbort === 'cancel') await client.cancel(accepted.id, { timeoutMs: farewellMs }).catch(() => {})
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
  let { id } = accepted
  let last = accepted
  for await (const event of client.watch(id, { signal, onConnection })) {
    onEvent?.(event)
    last = event.task
  }
  return last
}
