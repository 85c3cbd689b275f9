import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import { hasEnded } from '@pixelflow/core/status'
import type { TaskEvent, WatchOptions } from './client.ts'
import { PixelflowError, unreachableError } from './pixelflow-error.ts'
import type { ClientTransport } from './client-transport.ts'

/** Streams every event of a task once. Reopens broken connections. */
export async function* watch(
  transport: ClientTransport,
  task: string,
  options: WatchOptions = {},
): AsyncGenerator<TaskEvent, void> {
  const {
    signal,
    onConnection,
    tries: maxTries = 12,
    silentMs,
    firstPauseMs = 200,
    longestPauseMs = 5000,
  } = options
  let { after } = options
  for (let tries = 1; signal?.aborted !== true; tries++) {
    let failure: unknown
    try {
      for await (const event of transport.events(task, { after, signal, silentMs })) {
        if (event === 'complete') return
        if (event === 'live') {
          onConnection?.('live', 0)
          continue
        }
        // The server may repeat the last event.
        if (event.token === after) continue
        after = event.token
        tries = 0
        yield event
        if (signal?.aborted) return
        if (event.kind === 'deleted' || hasEnded(event.task.status)) return
      }
    } catch (thrown) {
      if (signal?.aborted) return
      if (isPermanent(thrown)) throw thrown
      failure = thrown
    }
    if (signal?.aborted) return
    if (tries >= maxTries) throw failure ?? unreachableError(transport.address)
    onConnection?.('retrying', Math.max(1, tries))
    await pause(backoffMs(Math.max(1, tries), { initialMs: firstPauseMs, maxMs: longestPauseMs }), signal)
  }
}

/** Whether another connection would fail the same way. */
function isPermanent(thrown: unknown): boolean {
  if (!(thrown instanceof PixelflowError)) return true
  const { status } = thrown
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}
