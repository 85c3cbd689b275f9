import { Database } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Locks between processes that the kernel releases, however their holder ends: the file locks of SQLite, which Bun
 * brings on every system. Many may hold one `shared`; `exclusive` goes with no other.
 */
export type LockKind = 'shared' | 'exclusive'

/** Takes the lock on a file (made when missing) or returns null, at once. Disposing lets go of it. */
export function tryLock(file: string, kind: LockKind): Disposable | null {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Another user who can read a lock file can hold its shared lock without end.
  closeSync(openSync(file, 'a', 0o600))
  const database = new Database(file, { create: true })
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run(kind === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN')
    // A transaction takes its shared lock with the first read.
    if (kind === 'shared') database.query('SELECT count(*) FROM sqlite_master').get()
  } catch (error) {
    database.close()
    if (isBusy(error)) return null
    throw error
  }
  return { [Symbol.dispose]: () => database.close() }
}

/** Waits for the lock, at most `timeoutMs`; null when it did not come free by then or the signal was aborted. */
export async function lock(
  file: string,
  kind: LockKind,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Disposable | null> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const held = tryLock(file, kind)
    if (held) return held
    if (signal?.aborted || performance.now() >= deadline) return null
    await Bun.sleep(50)
  }
}

/** Whether a process holds the lock exclusively. It must exist. */
export async function isHeld(file: string): Promise<boolean> {
  const free = tryLock(file, 'shared')
  free?.[Symbol.dispose]()
  return free === null
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
