import type { Client, TaskResult, Lane } from '@pixelflow/client'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { CliError } from '../cli-error.ts'
import type { Reporter } from '../terminal/reporter.ts'
import type { SourceFile } from './source-file.ts'

/** Sends an image, follows its task to the end, and reports the progress. An interruption cancels the task. */
export async function runTask(
  server: Client,
  source: SourceFile,
  recipe: Recipe,
  reporter: Reporter,
  { signal, lane }: { signal: AbortSignal; lane?: Lane | undefined },
): Promise<TaskResult> {
  return interruptible((onInterrupted) =>
    server.process(uploadContent(source), recipe, {
      ...uploadOptions(source, reporter),
      ...progressOptions(reporter),
      signal,
      lane,
      onInterrupted,
    }),
  )
}

/**
 * Follows a task to its end.
 *
 * @throws PixelflowError with the reason when it fails or is cancelled.
 */
export async function followTask(
  server: Client,
  id: string,
  reporter: Reporter,
  options: { signal: AbortSignal; after?: string | undefined; onAbort?: 'cancel' },
): Promise<TaskResult> {
  return interruptible((onInterrupted) =>
    server.follow(id, { ...progressOptions(reporter), ...options, onInterrupted }),
  )
}

/** The content of an upload: a file, which can be sent again after a lost connection, or a stream. */
export function uploadContent({ path, bytes, stream }: SourceFile): Blob | AsyncIterable<Uint8Array> {
  return path !== null && bytes !== null ? Bun.file(path) : stream()
}

/** Options of an upload: media type and size if known, an idempotency key, and the progress callback. */
export function uploadOptions({ name, bytes, mediaType }: SourceFile, reporter: Reporter) {
  return {
    mediaType,
    idempotencyKey: crypto.randomUUID(),
    ...(bytes === null ? {} : { bytes }),
    onSent: (sent: number) => reporter.sent(name, sent, bytes),
  }
}

function progressOptions(reporter: Reporter) {
  return {
    onEvent: reporter.event,
    onConnection(state: 'live' | 'retrying', attempt: number) {
      if (state === 'retrying' && attempt === 2) reporter.note('connection lost; reconnecting')
    },
  }
}

/** Reports the state of a task whose following was interrupted. */
async function interruptible<T>(
  work: (onInterrupted: (task: string, isCancelled: boolean) => void) => Promise<T>,
): Promise<T> {
  let interruption: string | undefined
  try {
    return await work((task, isCancelled) => {
      interruption = `Interrupted; task ${task} ${isCancelled ? 'was cancelled' : 'may continue'}.`
    })
  } catch (thrown) {
    throw interruption === undefined ? thrown : new CliError('interrupted', interruption)
  }
}
