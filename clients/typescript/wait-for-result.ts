import type { Client, FollowOptions, TaskResult, TaskView } from './client.ts'
import type { ClientTransport } from './client-transport.ts'
import { taskError } from './task-error.ts'

/** Timeout of the calls that follow an abort, in milliseconds. */
export const abortTimeoutMs = 3000

/** Watches a task until it ends, and returns its outputs. Reopens broken connections. */
export async function waitForResult(
  client: Client,
  transport: ClientTransport,
  id: string,
  options: FollowOptions = {},
): Promise<TaskResult> {
  const { signal, onEvent, onAbort = 'leave', onInterrupted } = options
  let last: TaskView | undefined
  for await (const event of client.watch(id, options)) {
    onEvent?.(event)
    last = event.task
  }
  if (signal?.aborted) {
    onInterrupted?.(id, onAbort === 'cancel' && (await tryCancel(transport, id)))
    throw signal.reason
  }
  // A stream that continues after the final event has no events.
  const task = last ?? (await client.task(id, { signal }))
  const error = taskError(task)
  if (error) throw error
  return {
    task,
    outputs: task.outputs.map((output) => ({
      ...output,
      download: (options) => client.download({ task: id, output: output.name }, options),
    })),
  }
}

/**
 * Cancels a task after an abort; resolves to whether that succeeded. Calls the transport and not the client, because the
 * client's own signal may be the one that has aborted.
 */
export function tryCancel(transport: ClientTransport, id: string): Promise<boolean> {
  return transport.call('cancelTask', { id }, { timeoutMs: abortTimeoutMs }).then(
    () => true,
    () => false,
  )
}
