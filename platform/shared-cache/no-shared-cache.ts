import type { SharedCache } from './shared-cache.ts'

/** The cache of a process for which none is configured: it keeps nothing. */
export const noSharedCache: SharedCache = {
  begin: () => ({ append() {}, commit() {}, discard() {} }),
  link: () => false,
  read: () => undefined,
  remove() {},
  bytes: 0,
  async [Symbol.asyncDispose]() {},
}
