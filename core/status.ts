/** Task statuses without the schemas, for clients in a browser. */

export const statuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
export type Status = (typeof statuses)[number]

/** Whether the status is final. A task reaches exactly one final status. */
export function hasEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
