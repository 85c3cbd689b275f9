import { failureOf, type Client, type Processed, type TaskView } from '@pixelflow/client'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { Exit } from '../exit.ts'
import type { Outlet } from '../terminal/outlet.ts'
import type { Source } from './source.ts'

/** Sends a picture, has it processed, and tells the outlet all about it. Interrupted, it cancels the task. */
export async function processPicture(
  server: Client,
  source: Source,
  recipe: Recipe,
  outlet: Outlet,
  signal: AbortSignal,
): Promise<Processed> {
  let left: string | undefined
  try {
    return await server.process(source.stream(), recipe, {
      ...sending(source, outlet),
      signal,
      onEvent: outlet.event,
      onConnection: telling(outlet),
      onLeft: ({ id }, isCancelled) => {
        left = `Interrupted; task ${id} ${isCancelled ? 'was cancelled' : 'may go on'}.`
      },
    })
  } catch (thrown) {
    throw left === undefined ? thrown : new Exit('interrupted', left)
  }
}

/** What is known of a picture that is being sent, and who is told of it. */
export function sending({ name, bytes, mediaType }: Source, outlet: Outlet) {
  return {
    mediaType,
    ...(bytes === null ? {} : { bytes }),
    onSent: (sent: number) => outlet.sent(name, sent, bytes),
  }
}

/**
 * Follows a task to its end.
 *
 * @throws PixelflowError with the reason when it ended in any other way than well.
 */
export async function watchTask(
  server: Client,
  id: string,
  outlet: Outlet,
  signal: AbortSignal,
  after?: string,
): Promise<TaskView> {
  let last: TaskView | undefined
  for await (const event of server.watch(id, { after, onConnection: telling(outlet) })) {
    outlet.event(event)
    last = event.task
  }
  signal.throwIfAborted()
  // A stream that was taken up after its end has nothing more to tell.
  const task = last ?? (await server.task(id))
  const failure = failureOf(task)
  if (failure) throw failure
  return task
}

function telling(outlet: Outlet) {
  return (state: 'live' | 'retrying', attempt: number) => {
    if (state === 'retrying' && attempt === 2)
      outlet.note('the connection was lost: trying to go on where it broke')
  }
}
