import type { EventView } from '@pixelflow/core/api'
import { pause } from '@pixelflow/core/pause'
import { hasEnded } from '@pixelflow/core/task'
import { createBackoff } from './backoff.ts'
import type { Api } from './client.ts'
import { CallFailed } from './notice.ts'
import { parseSse } from './sse.ts'

export interface WatchOptions {
  readonly signal: AbortSignal
  /** Told when the stream is up and when it is being sought again. */
  readonly onConnection?: (state: 'live' | 'retrying') => void
  /** A stream without a word for so long is taken for dead, in milliseconds. The server's heartbeat is 15 s. */
  readonly silentMs?: number
  /** First wait before a new attempt, in milliseconds; doubles up to 10 s. */
  readonly retryMs?: number
}

/**
 * Every event of a task from its beginning, each once, over as many connections as it takes; ends after the final one
 * or when `signal` aborts. @throws CallFailed when the server says no for good (404, 403, a refused token).
 */
export async function* watchTask(api: Api, id: string, options: WatchOptions): AsyncGenerator<EventView> {
  const { signal, onConnection, silentMs = 45_000, retryMs } = options
  const backoff = createBackoff(retryMs)
  let lastId = ''

  while (!signal.aborted) {
    using link = openLink(signal, silentMs)
    try {
      const answer = await api.open(`/api/v1/tasks/${id}/events`, {
        headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
        signal: link.signal,
      })
      // Nothing will ever follow.
      if (answer.status === 204) return
      onConnection?.('live')
      for await (const message of parseSse(link.guard(answer.body))) {
        backoff.reset()
        if (message.id === lastId || message.event === 'heartbeat') continue
        lastId = message.id
        const event = JSON.parse(message.data) as EventView
        yield event
        if (event.kind === 'deleted' || hasEnded(event.task.status)) return
      }
    } catch (thrown) {
      if (signal.aborted) return
      if (thrown instanceof CallFailed && isForGood(thrown.status)) throw thrown
    }
    if (signal.aborted) return
    onConnection?.('retrying')
    await pause(backoff.next(), signal)
  }
}

function isForGood(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

interface Link extends Disposable {
  readonly signal: AbortSignal
  guard(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array>
}

/** One connection: it ends with its scope, with `outer`, or after `silentMs` without a byte. */
function openLink(outer: AbortSignal, silentMs: number): Link {
  const own = new AbortController()
  let timer = setTimeout(() => own.abort(), silentMs)
  return {
    signal: AbortSignal.any([outer, own.signal]),
    async *guard(body) {
      if (body === null) return
      const reader = body.getReader()
      try {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return
          clearTimeout(timer)
          timer = setTimeout(() => own.abort(), silentMs)
          yield value
        }
      } finally {
        reader.releaseLock()
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      own.abort()
    },
  }
}
