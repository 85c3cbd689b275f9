import {
  isAfter,
  isFinal,
  parseResumeToken,
  type EventPosition,
  type StoredEvent,
} from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { watchTaskInput } from '@pixelflow/core/inputs'
import { shorten } from '@pixelflow/core/shorten'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import { lastEvent, taskNotFound } from './find-task.ts'
import type { Ports } from '../ports.ts'
import { startRecordingDeliveries } from './start-recording-deliveries.ts'

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
 * The events of a task after `after`, each once and in order: first the history, then live events. Events that are
 * available at once come together. Ends after the final event, or when the signal aborts or the gateway stops. Null when
 * `after` is the final event. A slow reader never costs more than a few buffered events: what it has missed is read from
 * the history.
 * @throws Fault `task_not_found`, `invalid_request` for an `after` that is not a token of this task.
 */
export function openEvents({ events, follower }: Pick<Ports, 'events' | 'follower'>) {
  /** Whether the end of the history is known without asking the broker: it may be lost by now, or the task deleted or expired. */
  const isConfirmed = ({ storedAt }: StoredEvent) => events.now().getTime() - storedAt.getTime() < confirmedMs

  return async (
    who: Principal,
    taskId: string,
    from: ResumePoint | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<readonly StoredEvent[], void> | null> => {
    requireScope(who, 'tasks:read')
    const after = from === undefined ? beginning : parseResumeToken(from.token)
    if (after === undefined) throw invalidToken(from)
    const recent = follower.recentHistory(who.account, taskId)?.at(-1)
    const isKnown = recent !== undefined && after.seq <= recent.seq && isConfirmed(recent)
    const last = isKnown ? recent : await lastEvent(events, who, taskId)
    // Only a client that has seen earlier events of the task may see its deletion.
    if (last === null || (last.event.kind === 'deleted' && after.seq === 0)) throw taskNotFound(taskId)
    if (after.seq > last.seq) throw invalidToken(from)
    if (!isAfter(last, after) && isFinal(last.event)) return null
    return follow(who.account, taskId, after, { signal, record: startRecordingDeliveries(last) })
  }

  async function* follow(
    account: string,
    taskId: string,
    after: EventPosition,
    { signal, record }: { signal: AbortSignal; record: ReturnType<typeof startRecordingDeliveries> },
  ) {
    // Subscribes before it reads the history, so that no event is missed in between.
    using live = follower.subscribe(account, taskId)
    let at = after
    /** Those after the last one that was returned, up to the final one. */
    const select = (found: readonly StoredEvent[]) => {
      const unseen = found.filter((one) => isAfter(one, at))
      const end = unseen.findIndex(({ event }) => isFinal(event))
      const selected = end === -1 ? unseen : unseen.slice(0, end + 1)
      at = selected.at(-1) ?? at
      record(selected)
      return { selected, isEnd: end !== -1 }
    }
    for (;;) {
      for await (const found of historyAfter(account, taskId, at)) {
        const { selected, isEnd } = select(found)
        if (selected.length > 0) yield selected
        if (isEnd || signal.aborted) return
      }
      for (;;) {
        const next = await live.next(signal)
        if (next === null) return
        if (next === 'missed') break
        const { selected, isEnd } = select(next)
        if (selected.length > 0) yield selected
        if (isEnd) return
      }
    }
  }

  /** The history from about a position on, up to where the live events begin. */
  async function* historyAfter(
    account: string,
    taskId: string,
    { seq, part }: EventPosition,
  ): AsyncGenerator<readonly StoredEvent[], void> {
    const recent = follower.recentHistory(account, taskId)
    if (recent !== undefined) return yield recent
    // Events before the position in the same entry are read again.
    for await (const one of events.history(account, taskId, part === undefined ? seq : seq - 1)) yield [one]
  }
}

/** An event of the task that was stored within this time is taken for the last one in the log, in milliseconds. */
export const confirmedMs = 1000

const beginning: EventPosition = { seq: 0 }

function invalidToken({ token = '', field }: Partial<ResumePoint> = {}): Fault {
  return new Fault('invalid_request', `Invalid resume token "${shorten(token)}".`, {
    ...(field === undefined ? {} : { field }),
    remedy: 'Send the token of the last event seen of this task, or none to begin with its first event.',
  })
}
