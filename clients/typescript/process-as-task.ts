import type { Client, ImageInput, ProcessOptions, ProcessResult, RecipeInput } from './client.ts'
import type { ClientTransport } from './client-transport.ts'
import { unaryCalls } from './unary-calls.ts'
import { abortTimeoutMs, tryCancel } from './wait-for-result.ts'

/** Uploads an image, creates a task with the recipe, and follows the task to its end. */
export async function processAsTask(
  client: Client,
  transport: ClientTransport,
  source: ImageInput,
  recipe: RecipeInput,
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const { signal, onImage, onTask, onAbort = 'cancel', onInterrupted } = options
  // The server accepts an idempotency key for one kind of call, so the upload and the task have separate keys.
  const { idempotencyKey: key, lane } = options
  const image = await client.upload(source, { ...options, idempotencyKey: key && `${key}.image` })
  onImage?.(image)
  const taskOptions = { signal, lane, idempotencyKey: key && `${key}.task` }
  const created = await client.createTask(image.id, recipe, taskOptions).catch(async (thrown: unknown) => {
    if (!signal?.aborted || onAbort !== 'cancel' || taskOptions.idempotencyKey === undefined) throw thrown
    // The server may have created the task before the abort. A call with the same key returns that task, or creates one;
    // either is cancelled.
    const repeated = { ...taskOptions, signal: undefined, timeoutMs: abortTimeoutMs }
    const { createTask } = unaryCalls(transport.call)
    const task = await createTask(image.id, recipe, repeated).catch(() => undefined)
    if (task) onInterrupted?.(task.id, await tryCancel(transport, task.id))
    throw thrown
  })
  onTask?.(created)
  return { image, ...(await client.follow(created.id, { ...options, onAbort })) }
}
