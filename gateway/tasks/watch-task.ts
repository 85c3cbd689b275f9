import { isFinal, parseResumeToken, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { watchTaskInput } from '@pixelflow/core/inputs'
import { shorten } from '@pixelflow/core/shorten'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import { lastEvent, taskNotFound } from './find-task.ts'
import type { Ports } from '../ports.ts'

/** The resume token that a client has sent, and the parameter that it has sent it in, which an error names. */
export interface ResumePoint {
  readonly token: string
  readonly field: string
}

export const watchTask = declareStream({
  name: 'watchTask',
  tag: 'tasks',
  summary: 'Watch a task with server-sent events',
  description:
    'The name of each event is its kind, its data an Event, its id a resume token. The stream starts with the first event, or after the resume token in `Last-Event-ID`, and ends after the final event. An idle stream sends events named `heartbeat`, without an id and with the data `{}`.',
  http: { method: 'GET', path: '/api/v1/tasks/{id}/events' },
  rpc: ImageService.method.watchTask,
  access: 'tasks:read',
  faults: ['task_not_found'],
  input: watchTaskInput,
  open: openEvents,
})

/**
 * The events of a task after `after`, each once and in order: first the history, then live events. Ends
 * after the final event, or when the signal aborts or the gateway stops. Null when `after` is the final event. A slow
 * reader never costs more than a few buffered events: what it has missed is read from the history.
 * @throws Fault `task_not_found`, `invalid_request` for an `after` that is not a token of this task.
 */
export function openEvents({ events, follower }: Pick<Ports, 'events' | 'follower'>) {
  return async (
    who: Principal,
    taskId: string,
    from: ResumePoint | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<StoredEvent, void> | null> => {
    requireScope(who, 'tasks:read')
    const after = from === undefined ? 0 : parseResumeToken(from.token)
    if (after === undefined) throw invalidToken(from)
    const last = await lastEvent(events, who, taskId)
    // Only a client that has seen earlier events of the task may see its deletion.
    if (last === null || (last.event.kind === 'deleted' && after === 0)) throw taskNotFound(taskId)
    if (after > last.seq) throw invalidToken(from)
    if (after === last.seq && isFinal(last.event)) return null
    return follow(who.account, taskId, after, signal)
  }

  async function* follow(account: string, taskId: string, after: number, signal: AbortSignal) {
    // Subscribes before it reads the history, so that no event is missed in between.
    using live = follower.subscribe(account, taskId)
    for (let at = after; ;) {
      for await (const one of events.history(account, taskId, at)) {
        at = one.seq
        yield one
        if (isFinal(one.event) || signal.aborted) return
      }
      for (;;) {
        const next = await live.next(signal)
        if (next === null) return
        if (next === 'missed') break
        if (next.seq <= at) continue
        at = next.seq
        yield next
        if (isFinal(next.event)) return
      }
    }
  }
}

function invalidToken({ token = '', field }: Partial<ResumePoint> = {}): Fault {
  return new Fault('invalid_request', `Invalid resume token "${shorten(token)}".`, {
    ...(field === undefined ? {} : { field }),
    remedy: 'Send the token of the last event seen of this task, or none to begin with its first event.',
  })
}
