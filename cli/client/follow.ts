import { eventView, type EventView } from '@pixelflow/core/api'
import { hasEnded } from '@pixelflow/core/task'
import { Exit } from '../exit.ts'
import { exitOf, unreachable } from './problem.ts'
import { thrownBy, type Server } from './server.ts'
import { parseEvents } from './sse.ts'

/** One event of a task, and the token with which the stream goes on after it. */
export interface Followed {
  readonly token: string
  readonly view: EventView
}

export interface FollowOptions {
  /** Goes on after this token instead of from the beginning. */
  readonly after?: string | undefined
  readonly signal: AbortSignal
  /** Told before each further try. */
  readonly retrying?: (attempt: number) => void
  /** Pauses between tries, in milliseconds: the first, and the longest. */
  readonly backoffMs?: readonly [first: number, longest: number]
}

/** So many tries in a row without a single event, and we say that nobody is there. */
const mostTries = 12
/** The server sends a heartbeat every 15 s; a connection that is silent for longer is dead. */
const silentMs = 45_000

/**
 * Every event of a task, each once and in order, up to and with its final one. A connection that breaks is made anew
 * and goes on where it broke, on whatever gateway answers.
 *
 * @throws Exit `unreachable` after a dozen tries without an event; the server's refusal when it refuses.
 */
export async function* follow(
  server: Server,
  task: string,
  options: FollowOptions,
): AsyncGenerator<Followed> {
  const { signal, retrying, backoffMs = [200, 3000] } = options
  let after = options.after
  for (let tries = 0; ; tries++) {
    let trouble: unknown
    try {
      for await (const one of connection(server, task, after, signal)) {
        after = one.token
        tries = 0
        yield one
        if (one.view.kind === 'deleted' || hasEnded(one.view.task.status)) return
      }
    } catch (error) {
      if (!isTemporary(error)) throw error
      trouble = error
    }
    if (signal.aborted) throw new Exit('interrupted', 'Interrupted.')
    if (tries >= mostTries) {
      throw trouble instanceof Exit ? trouble : unreachable(server.url, trouble)
    }
    retrying?.(tries + 1)
    await Bun.sleep(Math.min(backoffMs[0] * 2 ** tries, backoffMs[1]))
  }
}

async function* connection(
  server: Server,
  task: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), silentMs)
  try {
    const response = await server.fetch(`/api/v1/tasks/${encodeURIComponent(task)}/events`, {
      headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      signal: silence.signal,
      timeout: false,
    })
    if (!response.ok) throw await exitOf(response)
    if (!response.body) return
    for await (const event of parseEvents(response.body)) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silentMs)
      if (event.id === undefined || event.event === 'heartbeat') continue
      yield { token: event.id, view: eventView.parse(JSON.parse(event.data)) }
    }
  } catch (error) {
    if (silence.signal.aborted && !signal.aborted) throw unreachable(server.url, error)
    throw thrownBy(error, server.url, signal)
  } finally {
    clearTimeout(timer)
    // Leaving early must not leave the connection open.
    silence.abort()
  }
}

/** Whether another try may go better: nobody answered, or a server that is not well did. */
function isTemporary(error: unknown): boolean {
  return error instanceof Exit && (error.ending === 'unreachable' || error.ending === 'failed')
}
