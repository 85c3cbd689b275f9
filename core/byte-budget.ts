/** A weighted semaphore over bytes. Waiters are served in order of arrival, low-priority ones after all others. */
export interface ByteBudget {
  /** Acquires bytes, waiting if necessary. More than the whole budget counts as all of it. @throws the signal's reason. */
  acquire(bytes: number, signal?: AbortSignal, isLowPriority?: boolean): Promise<void>
  /** Acquires bytes without waiting; false if they are not free or another caller waits. */
  tryAcquire(bytes: number): boolean
  release(bytes: number): void
}

interface Waiting {
  readonly bytes: number
  readonly isLowPriority: boolean
  readonly serve: () => void
}

/** @param onShort called whenever a caller starts to wait */
export function createByteBudget(total: number, onShort: () => void = () => {}): ByteBudget {
  let free = total
  const queue: Waiting[] = []
  const serve = () => {
    for (let first = queue[0]; first && first.bytes <= free; first = queue[0]) {
      queue.shift()
      free -= first.bytes
      first.serve()
    }
  }
  return {
    async acquire(asked, signal, isLowPriority = false) {
      signal?.throwIfAborted()
      const bytes = Math.min(asked, total)
      const index = insertionIndex(queue, isLowPriority)
      if (index === 0 && bytes <= free) {
        free -= bytes
        return
      }
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal?.reason as Error)
          serve()
        }
        const waiting = {
          bytes,
          isLowPriority,
          serve() {
            signal?.removeEventListener('abort', leave)
            resolve()
          },
        }
        signal?.addEventListener('abort', leave, { once: true })
        queue.splice(index, 0, waiting)
        onShort()
      })
    },
    tryAcquire(bytes) {
      if (queue.length > 0 || bytes > free) return false
      free -= bytes
      return true
    },
    release(bytes) {
      free += Math.min(bytes, total)
      serve()
    },
  }
}

/** Index of a new waiter in the queue, in which low-priority waiters come last. */
function insertionIndex(
  waiters: readonly { readonly isLowPriority: boolean }[],
  isLowPriority: boolean,
): number {
  const firstLowPriority = isLowPriority ? -1 : waiters.findIndex((one) => one.isLowPriority)
  return firstLowPriority === -1 ? waiters.length : firstLowPriority
}
