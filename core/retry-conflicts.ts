import type { Fault } from './fault.ts'

export interface RetryConflictsOptions {
  /** Consecutive conflicts after which it gives up. Choose more than a record can have concurrent writers. */
  readonly maxConflicts: number
  /** The fault that it then throws. */
  readonly createFault: () => Fault
}

/**
 * Repeats a compare-and-swap while other writers are faster. `update` reads the record and writes what follows from it; it
 * returns undefined when the record has changed in between.
 */
export async function retryConflicts<T>(
  update: () => Promise<T | undefined>,
  { maxConflicts, createFault }: RetryConflictsOptions,
): Promise<T> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const updated = await update()
    if (updated !== undefined) return updated
  }
  throw createFault()
}
