import type { EventView } from '@pixelflow/core/api'
import type { TaskEvent } from '../client.ts'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import { readChunks } from '../upload-body.ts'
import type { EventStreamOptions } from '../transport.ts'
import type { HttpCaller } from './http-caller.ts'
import { parseSse } from './parse-sse.ts'

/** The server sends a heartbeat every 15 s; a connection that is silent for longer is dead. */
const usualSilentMs = 45_000

/** One connection's events. It ends with its loop, with its signal, or after `silentMs` without a byte. */
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
    // Every broken connection, including a silent one, is reported alike: the server does not answer.
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
