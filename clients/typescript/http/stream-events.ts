import type { EventView } from '@pixelflow/core/views'
import type { TaskEvent } from '../client.ts'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import { readChunks } from '../upload-body.ts'
import type { EventStreamOptions } from '../transport.ts'
import type { HttpCaller } from './http-caller.ts'
import { parseSse } from './parse-sse.ts'

/** The server sends a heartbeat every 15 s; a connection without data for 45 s counts as lost. */
const usualSilentMs = 45_000

/**
 * Streams the events of one connection. Ends when the caller leaves the loop, the signal aborts, or no data arrives for
 * `silentMs`.
 */
export async function* streamEvents(
  caller: HttpCaller,
  task: string,
  { after, signal, silentMs = usualSilentMs }: EventStreamOptions,
): AsyncGenerator<TaskEvent | 'live' | 'over', void> {
  const own = new AbortController()
  let timer = setTimeout(() => own.abort(), silentMs)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => own.abort(), silentMs)
  }
  try {
    const answer = await caller.send(
      `/api/v1/tasks/${encodeURIComponent(task)}/events`,
      {
        headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      },
      signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    )
    if (answer.status === 204) return yield 'over'
    heard()
    yield 'live'
    if (answer.body === null) return
    for await (const { event, data, id } of parseSse(noticed(answer.body, heard))) {
      if (event !== 'heartbeat' && id !== '') yield { ...eventOf(data), token: id }
    }
  } catch (thrown) {
    signal?.throwIfAborted()
    // A broken connection and a silent one are both reported as `unreachable`.
    throw thrown instanceof PixelflowError ? thrown : unreachableError(caller.address, thrown)
  } finally {
    clearTimeout(timer)
    own.abort()
  }
}

async function* noticed(
  body: ReadableStream<Uint8Array>,
  heard: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of readChunks(body)) {
    heard()
    yield chunk
  }
}

function eventOf(data: string): EventView {
  return JSON.parse(data) as EventView
}
