import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { lastEvent, taskNotFound } from './find-task.ts'
import type { Ports } from '../ports.ts'

/**
 * The events of a task above the sequence `after`, each once and in order, first as they stand in the log, then as they
 * happen; ends after the final one, or when the signal aborts or the gateway stops. Null when nothing will ever follow
 * `after`. However slowly it is read, only a handful of events is held for it: what it missed is read again.
 * @throws Fault `task_not_found`, `invalid_request` for an `after` that the task has never reached.
 */
export function watchTask({ events, follower }: Pick<Ports, 'events' | 'follower'>) {
  return async (
    who: Principal,
    taskId: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<StoredEvent, void> | null> => {
    requireScope(who, 'tasks:read')
    const last = await lastEvent(events, who, taskId)
    // A deletion is news for those who were watching before it, and for nobody else.
    if (last === null || (last.event.kind === 'deleted' && after === 0)) throw taskNotFound(taskId)
    if (after > last.seq) throw notReached()
    if (after === last.seq && isFinal(last.event)) return null
    return follow(who.account, taskId, after, signal)
  }

  async function* follow(account: string, taskId: string, after: number, signal: AbortSignal) {
    // Before the history is read, so that there is no gap between the two.
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

function notReached(): Fault {
  return new Fault('invalid_request', 'The resume token is none of this task.', {
    field: 'resume_token',
    remedy: 'Send the id of the last event seen of this task, or none to begin at its first event.',
  })
}
