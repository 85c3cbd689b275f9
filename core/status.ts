/** The life of a task, apart from the schemas, for those who carry only this: clients in a browser. */

export const statuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
export type Status = (typeof statuses)[number]

/** A status that nothing follows. A task reaches exactly one, once. */
export function hasEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
