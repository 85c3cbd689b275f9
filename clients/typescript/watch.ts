import { pause } from '@pixelflow/core/pause'
import { hasEnded } from '@pixelflow/core/status'
import { createBackoff } from './backoff.ts'
import type { TaskEvent, WatchOptions } from './client.ts'
import { PixelflowError, unreachable } from './error.ts'
import type { Wire } from './wire.ts'

/** Every event of a task, each once, over as many connections as it takes. */
export async function* watch(
  wire: Wire,
  task: string,
  options: WatchOptions = {},
): AsyncGenerator<TaskEvent, void> {
  const { signal, onConnection, tries = 12, silentMs, firstPauseMs = 200, longestPauseMs = 5000 } = options
  const backoff = createBackoff(firstPauseMs, longestPauseMs)
  let { after } = options
  for (let attempt = 1; signal?.aborted !== true; attempt++) {
    let trouble: unknown
    try {
      for await (const event of wire.events(task, { after, signal, silentMs })) {
        if (event === 'over') return
        if (event === 'live') {
          onConnection?.('live', 0)
          continue
        }
        // What a server sends again was seen already.
        if (event.token === after) continue
        after = event.token
        attempt = 0
        backoff.reset()
        yield event
        if (signal?.aborted) return
        if (event.kind === 'deleted' || hasEnded(event.task.status)) return
      }
    } catch (thrown) {
      if (signal?.aborted) return
      if (isForGood(thrown)) throw thrown
      trouble = thrown
    }
    if (signal?.aborted) return
    if (attempt >= tries) throw trouble ?? unreachable(wire.address)
    onConnection?.('retrying', Math.max(1, attempt))
    await pause(backoff.next(), signal)
  }
}

/** Whether another connection would be told the same. */
function isForGood(thrown: unknown): boolean {
  if (!(thrown instanceof PixelflowError)) return true
  const { status } = thrown
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}
