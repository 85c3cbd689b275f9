export interface VersionedRecord<T> {
  readonly value: T
  /** Above 0, and higher than the revision of the previous value. */
  readonly revision: number
}

/** Small typed values under an account and a name, changed by compare-and-swap. */
export interface CompareAndSwapRecords<T> {
  /** The newest value, never a stale one; null when the record does not exist. */
  get(account: string, name: string): Promise<VersionedRecord<T> | null>
  /**
   * Replaces the value if its revision is still `revision` (0: the record must not exist). Returns the new revision, or
   * null on a conflict. Successive values must differ, otherwise a lost answer looks like a conflict.
   */
  compareAndSwap(account: string, name: string, value: T, revision: number): Promise<number | null>
}
