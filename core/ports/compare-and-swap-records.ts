/** A value, and which change it came by. */
export interface Revised<T> {
  readonly value: T
  /** Above 0, and higher than that of the value before. */
  readonly revision: number
}

/** Small typed values under an account and a name that change step by step; of all who change one at once, one succeeds. */
export interface Fenced<T> {
  /** The newest value, whichever server of the store is asked; null when there is none. */
  get(account: string, name: string): Promise<Revised<T> | null>
  /**
   * Replaces the value of that revision; 0 where there must be none. Resolves with the new revision, with null when
   * somebody else was faster. Values must differ from each other, or a lost answer cannot be told from a lost race.
   */
  put(account: string, name: string, value: T, after: number): Promise<number | null>
}
