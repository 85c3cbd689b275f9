import type { FollowedEvent } from './read-event-stream.ts'

/** What the followers of one task received, to compare them with each other. */
export interface DeliveryLog {
  /**
   * Notes that a follower received an event. Returns how many milliseconds later than the first follower that was; undefined
   * for the first, and for an event that happened before `openedAt`, which comes from the history.
   */
  receive(event: Pick<FollowedEvent, 'id'>, openedAt: number, now: number): number | undefined
  /** Compares the ids that one follower received, in order, with those of the first follower that finished. */
  isSameAsOthers(ids: readonly string[]): boolean
}

export function createDeliveryLog(): DeliveryLog {
  const firstReceivedAt = new Map<string, number>()
  let reference: string | undefined
  return {
    receive({ id }, openedAt, now) {
      const first = firstReceivedAt.get(id)
      if (first === undefined) firstReceivedAt.set(id, now)
      return first === undefined || first < openedAt ? undefined : now - first
    },
    isSameAsOthers(ids) {
      const text = ids.join(' ')
      reference ??= text
      return text === reference
    },
  }
}
