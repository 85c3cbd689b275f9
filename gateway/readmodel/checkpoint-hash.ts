import type { StoredEvent } from '@pixelflow/core/event'

/**
 * Identifies the event at a checkpoint. When that sequence holds a different event, the log was restored from a
 * backup and has continued differently.
 */
export function checkpointHash({ event: { kind, at, task } }: StoredEvent): string {
  return Bun.hash.xxHash64(`${task.account}/${task.id}/${kind}/${at}`).toString(16)
}
