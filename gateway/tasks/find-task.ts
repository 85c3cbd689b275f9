import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { id, type ImageRecord } from '@pixelflow/core/image'
import type { Events } from '@pixelflow/core/ports/events'
import type { Records } from '@pixelflow/core/ports/records'
import type { Principal } from '@pixelflow/core/principal'
import { shorten } from '@pixelflow/core/shorten'

/**
 * What belongs to somebody else is answered exactly like what never was: accounts are part of every name, so there is
 * nothing to compare. What cannot be an id is not asked for.
 */

/** @throws Fault `image_not_found`. */
export async function findImage(
  images: Records<ImageRecord>,
  who: Principal,
  imageId: string,
  field?: string,
): Promise<ImageRecord> {
  const found = id.safeParse(imageId).success ? await images.get(who.account, imageId) : null
  if (found) return found
  throw new Fault('image_not_found', `You have no image ${shorten(imageId)}.`, {
    ...(field === undefined ? {} : { field }),
    remedy: 'Upload it, or check the id; images are kept for a limited time.',
  })
}

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
    remedy: 'Check the id; tasks are kept for a limited time.',
  })
}
