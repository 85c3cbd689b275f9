import type { Client, Finished, Lane } from '@pixelflow/client'
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
  { signal, lane }: { signal: AbortSignal; lane?: Lane | undefined },
): Promise<Finished> {
  return interruptible((onLeft) =>
    server.process(contentOf(source), recipe, {
      ...sending(source, outlet),
      ...telling(outlet),
      signal,
      lane,
      onLeft,
    }),
  )
}

/**
 * Follows a task to its end.
 *
 * @throws PixelflowError with the reason when it ended in any other way than well.
 */
export async function followTask(
  server: Client,
  id: string,
  outlet: Outlet,
  options: { signal: AbortSignal; after?: string | undefined; onAbort?: 'cancel' },
): Promise<Finished> {
  return interruptible((onLeft) => server.follow(id, { ...telling(outlet), ...options, onLeft }))
}

/** What is sent: a file, which can be sent again when a connection is lost, or a stream. */
export function contentOf({ path, bytes, stream }: Source): Blob | AsyncIterable<Uint8Array> {
  return path !== null && bytes !== null ? Bun.file(path) : stream()
}

/** What is known of a picture that is being sent, under which key that is done once, and who is told of it. */
export function sending({ name, bytes, mediaType }: Source, outlet: Outlet) {
  return {
    mediaType,
    idempotencyKey: crypto.randomUUID(),
    ...(bytes === null ? {} : { bytes }),
    onSent: (sent: number) => outlet.sent(name, sent, bytes),
  }
}

function telling(outlet: Outlet) {
  return {
    onEvent: outlet.event,
    onConnection(state: 'live' | 'retrying', attempt: number) {
      if (state === 'retrying' && attempt === 2)
        outlet.note('the connection was lost: trying to go on where it broke')
    },
  }
}

/** Says what has become of a task that was left before its end. */
async function interruptible<T>(
  work: (onLeft: (task: string, isCancelled: boolean) => void) => Promise<T>,
): Promise<T> {
  let left: string | undefined
  try {
    return await work((task, isCancelled) => {
      left = `Interrupted; task ${task} ${isCancelled ? 'was cancelled' : 'may go on'}.`
    })
  } catch (thrown) {
    throw left === undefined ? thrown : new Exit('interrupted', left)
  }
}
