import { Fault } from '@pixelflow/core/fault'

/** Room in scratch space, shared by all sessions of a process. */
export interface ScratchQuota {
  /**
   * Takes so many bytes of it until disposed; more than half of it counts as half, or what is very large, and lies on
   * disk, would never have its turn. @throws Fault `unavailable` when there are not so many.
   */
  take(bytes: number): Disposable
}

export function createScratchQuota(bytes: number): ScratchQuota {
  let left = bytes
  return {
    take(asked) {
      let wanted = Math.min(asked, bytes / 2)
      if (wanted > left) {
        throw new Fault('unavailable', 'There is no room here for another picture to be tuned.', {
          remedy: 'Try again in a moment.',
          retryAfterMs: 1000,
        })
      }
      left -= wanted
      return {
        [Symbol.dispose]() {
          left += wanted
          wanted = 0
        },
      }
    },
  }
}
