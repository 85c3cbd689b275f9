import type { CacheKey } from './shared-cache.ts'

/** Begins the names of the folders of processes in the shared folder. */
export const foldersPrefix = 'pixelflow-cache'

/** Name of an entry's file. Accounts contain no `~`. */
export function entryFile({ account, sha256 }: Omit<CacheKey, 'bytes'>): string {
  return `${account}~${sha256}`
}

/** Mode of a file that no process has read yet. */
export const unreadMode = 0o600
/** Mode after a process has read it: the next thing to remove when space is needed. */
export const readMode = 0o400
