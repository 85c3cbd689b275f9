import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { id } from '@pixelflow/core/image'
import type { Events } from '@pixelflow/core/ports/events'
import type { Principal } from '@pixelflow/core/principal'
import { shorten } from '@pixelflow/core/shorten'

/** The newest event of a task that exists. @throws Fault `task_not_found`. */
export async function findTask(events: Events, who: Principal, taskId: string): Promise<StoredEvent> {
  const found = await lastEvent(events, who, taskId)
  if (found === null || found.event.kind === 'deleted') throw taskNotFound(taskId)
  return found
}

/** The newest event of a task, `deleted` included; null when there is none. */
export async function lastEvent(events: Events, who: Principal, taskId: string): Promise<StoredEvent | null> {
  return id.safeParse(taskId).success ? events.last(who.account, taskId) : null
}

export function taskNotFound(taskId: string): Fault {
  return new Fault('task_not_found', `You have no task ${shorten(taskId)}.`, {
    remedy: 'Check the id. Tasks are kept for a limited time.',
  })
}
