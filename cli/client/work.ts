import type { TaskView } from '@pixelflow/core/api'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { Exit } from '../exit.ts'
import type { Outlet } from '../terminal/outlet.ts'
import { follow } from './follow.ts'
import { openServer, type Server, type ServerOptions } from './server.ts'
import type { Source } from './source.ts'
import { upload } from './upload.ts'

/** Sends a picture, has it processed, and tells the outlet all about it. Interrupted, it cancels the task. */
export async function processPicture(
  server: Server,
  source: Source,
  recipe: Recipe,
  outlet: Outlet,
  options: Omit<ServerOptions, 'url'>,
): Promise<TaskView> {
  const image = await upload(server, source, (bytes) => outlet.sent(source.name, bytes, source.bytes))
  const task = await server.createTask(image.id, recipe)
  try {
    return await watchTask(server, task.id, outlet, options.signal)
  } catch (error) {
    if (!options.signal.aborted) throw error
    // The word to stop has ended every call of `server`; this last one has a few seconds of its own.
    const signal = AbortSignal.timeout(3000)
    const isCancelled = await openServer({ ...options, url: server.url, signal })
      .cancel(task.id)
      .then(
        () => true,
        () => false,
      )
    throw new Exit(
      'interrupted',
      `Interrupted; task ${task.id} ${isCancelled ? 'was cancelled' : 'may go on'}.`,
    )
  }
}

/**
 * Follows a task to its end.
 *
 * @throws Exit `failed` with the reason when it ended in any other way than well.
 */
export async function watchTask(
  server: Server,
  id: string,
  outlet: Outlet,
  signal: AbortSignal,
  after?: string,
): Promise<TaskView> {
  let last: TaskView | undefined
  const retrying = (attempt: number) => {
    if (attempt === 2) outlet.note('the connection was lost: trying to go on where it broke')
  }
  for await (const { view } of follow(server, id, { after, signal, retrying })) {
    outlet.event(view)
    last = view.task
  }
  // A stream that was taken up after its end has nothing more to tell.
  const task = last ?? (await server.task(id))
  if (task.status === 'completed') return task
  throw notCompleted(task)
}

function notCompleted({ id, status, fault }: TaskView): Exit {
  if (status !== 'failed') return new Exit('failed', `Task ${id} is ${status}.`)
  const { detail = 'No reason was given.', field, remedy } = fault ?? {}
  return new Exit('failed', `Task ${id} failed: ${detail}`, {
    ...(field === undefined ? {} : { field }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}
