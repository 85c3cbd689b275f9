import type { EventView } from '@pixelflow/core/views'
import type { TaskEvent } from '../client.ts'
import type { EventConnectionOptions } from '../client-transport.ts'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import { readChunks } from '../upload-body.ts'
import type { HttpCaller } from './http-caller.ts'
import { parseSse } from './parse-sse.ts'

/** The server sends a heartbeat every 15 s; a connection without data for 45 s counts as lost. */
const defaultSilentMs = 45_000

/**
 * Streams the events of one connection. Ends when the caller leaves the loop, the signal aborts, or no data arrives for
 * `silentMs`.
 */
export async function* streamEvents(
  caller: HttpCaller,
  task: string,
  { after, signal, silentMs = defaultSilentMs }: EventConnectionOptions,
): AsyncGenerator<TaskEvent | 'live' | 'complete', void> {
  const connection = new AbortController()
  let timer = setTimeout(() => connection.abort(), silentMs)
  const resetTimer = () => {
    clearTimeout(timer)
    timer = setTimeout(() => connection.abort(), silentMs)
  }
  try {
    const response = await caller.send(
      `/api/v1/tasks/${encodeURIComponent(task)}/events`,
      {
        headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      },
      signal === undefined ? connection.signal : AbortSignal.any([signal, connection.signal]),
    )
    if (response.status === 204) return yield 'complete'
    resetTimer()
    yield 'live'
    if (response.body === null) return
    for await (const { event, data, id } of parseSse(callOnData(response.body, resetTimer))) {
      if (event !== 'heartbeat' && id !== '') yield { ...(JSON.parse(data) as EventView), token: id }
    }
  } catch (thrown) {
    signal?.throwIfAborted()
    // A broken connection and a silent one are both reported as `unreachable`.
    throw thrown instanceof PixelflowError ? thrown : unreachableError(caller.address, thrown)
  } finally {
    clearTimeout(timer)
    connection.abort()
  }
}

async function* callOnData(
  body: ReadableStream<Uint8Array>,
  onData: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of readChunks(body)) {
    onData()
    yield chunk
  }
}
