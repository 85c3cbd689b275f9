import type { StoredEvent } from '@pixelflow/core/event'

/** What an event was, in short: told from any other that may come to stand at its sequence. */
export function checkpointHash({ event: { kind, at, task } }: StoredEvent): string {
  return `${task.account}/${task.id}/${kind}/${at}`
}
