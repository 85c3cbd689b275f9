import type { Task } from '@pixelflow/core/task'
import type {
  OpenedMessage,
  PreviewMessage,
  RefusedMessage,
  RestoredMessage,
} from '@pixelflow/core/tune/server-message'

/** What whoever tunes hears; how a task looks and how bytes travel is the transport's matter. */
export type TuneUpdate =
  | OpenedMessage
  | RefusedMessage
  | RestoredMessage
  | { readonly type: 'applied'; readonly sequence: number; readonly task: Task; readonly position?: string }
  | { readonly type: 'preview'; readonly about: Omit<PreviewMessage, 'type'>; readonly file: Uint8Array }

/** What waits to be heard: of previews the newest alone, of all else a bounded number, in order and before it. */
export interface UpdateBuffer {
  /** Resolves when it is in; what is too much waits until there is room. */
  say(heard: TuneUpdate): Promise<void>
  /** Resolves when no preview waits: the next one would be seen. Also when it is closed. */
  clear(): Promise<void>
  /** Nothing more will be said; what is there can still be heard. With a fault, that is thrown then. */
  close(fault?: unknown): void
  /** The next, as soon as there is one; null at the end. @throws what it was closed with. */
  next(): Promise<TuneUpdate | null>
}

/** Words that wait; whoever sends faster than it listens is not listened to until it does. */
const mostWaiting = 32

export function createUpdateBuffer(): UpdateBuffer {
  const words: TuneUpdate[] = []
  let preview: TuneUpdate | undefined
  let closed: { readonly fault?: unknown } | undefined
  let changed = Promise.withResolvers<void>()
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  return {
    async say(heard) {
      if (heard.type === 'preview') preview = heard
      else {
        while (words.length >= mostWaiting && closed === undefined) await changed.promise
        words.push(heard)
      }
      wake()
    },
    async clear() {
      while (preview !== undefined && closed === undefined) await changed.promise
    },
    close(fault) {
      closed ??= { fault }
      wake()
    },
    async next() {
      for (;;) {
        // Whoever was lost has no use for what came before.
        const heard = words.shift() ?? preview
        if (heard === preview) preview = undefined
        if (heard !== undefined) {
          wake()
          return heard
        }
        if (closed?.fault !== undefined) throw closed.fault
        if (closed !== undefined) return null
        await changed.promise
      }
    },
  }
}
