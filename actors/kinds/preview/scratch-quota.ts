import { Fault } from '@pixelflow/core/fault'

/** Limits the scratch space that all preview sessions of a process use together. */
export interface ScratchQuota {
  /**
   * Reserves bytes until disposed. A request above half of the quota counts as half, so that large images, which are
   * stored on disk, are not rejected forever. @throws Fault `unavailable` when the quota is used up.
   */
  take(bytes: number): Disposable
}

export function createScratchQuota(bytes: number): ScratchQuota {
  let left = bytes
  return {
    take(requested) {
      let reserved = Math.min(requested, bytes / 2)
      if (reserved > left) {
        throw new Fault('unavailable', 'The scratch space for previews of this actor is used up.', {
          remedy: 'Try again in a moment.',
          retryAfterMs: 1000,
        })
      }
      left -= reserved
      return {
        [Symbol.dispose]() {
          left += reserved
          reserved = 0
        },
      }
    },
  }
}
