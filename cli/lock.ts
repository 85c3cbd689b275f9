import { Database } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Locks between processes, which the kernel releases when the holder exits for any reason. They are the file locks of
 * SQLite, because Bun includes it on every system. Several processes can hold a `shared` lock; an `exclusive` one has a
 * single holder.
 */
export type LockKind = 'shared' | 'exclusive'

/** Takes the lock on a file, which is created if missing, or returns null at once. Disposing releases the lock. */
export function tryLock(file: string, kind: LockKind): Disposable | null {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Private, because any user who can read the file could hold its shared lock forever.
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

/** Waits for the lock; null when it is not free within `timeoutMs` or the signal aborts. */
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

/** Whether a process holds the lock exclusively. */
export async function isHeld(file: string): Promise<boolean> {
  const free = tryLock(file, 'shared')
  free?.[Symbol.dispose]()
  return free === null
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
