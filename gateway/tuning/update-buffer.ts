import { createNotifier } from '@pixelflow/core/notifier'
import type { Task } from '@pixelflow/core/task'
import type {
  OpenedMessage,
  PreviewMessage,
  RefusedMessage,
  RestoredMessage,
} from '@pixelflow/core/tune/server-message'

/** What a tuning session returns to its client. The transport maps tasks and bytes to its own messages. */
export type TuneUpdate =
  | OpenedMessage
  | RefusedMessage
  | RestoredMessage
  | { readonly type: 'applied'; readonly sequence: number; readonly task: Task; readonly position?: string }
  | { readonly type: 'preview'; readonly about: Omit<PreviewMessage, 'type'>; readonly file: Uint8Array }

/**
 * Updates that wait for the client: the newest preview, and a limited number of others, which are sent first.
 * It is not a `BoundedQueue`, because `push` waits for space, and previews replace each other.
 */
export interface UpdateBuffer {
  /** Adds an update; waits while the buffer is full. A preview replaces the one that waits. */
  push(update: TuneUpdate): Promise<void>
  /** Resolves when no preview waits, or when the buffer is closed. */
  waitForPreviewTaken(): Promise<void>
  /** Accepts no more updates. The buffered ones can still be read; then `next` throws the fault, if there is one. */
  close(fault?: unknown): void
  /** Waits for the next update; null at the end. @throws the fault of `close`. */
  next(): Promise<TuneUpdate | null>
}

/** A client that sends faster than it reads is not read while so many updates wait for it. */
const maxUpdates = 32

export function createUpdateBuffer(): UpdateBuffer {
  const updates: TuneUpdate[] = []
  let preview: TuneUpdate | undefined
  let closed: { readonly fault?: unknown } | undefined
  const changed = createNotifier()
  return {
    async push(update) {
      if (update.type === 'preview') preview = update
      else {
        while (updates.length >= maxUpdates && closed === undefined) await changed.wait()
        updates.push(update)
      }
      changed.notify()
    },
    async waitForPreviewTaken() {
      while (preview !== undefined && closed === undefined) await changed.wait()
    },
    close(fault) {
      closed ??= { fault }
      changed.notify()
    },
    async next() {
      for (;;) {
        const update = updates.shift() ?? preview
        if (update === preview) preview = undefined
        if (update !== undefined) {
          changed.notify()
          return update
        }
        if (closed?.fault !== undefined) throw closed.fault
        if (closed !== undefined) return null
        await changed.wait()
      }
    },
  }
}
