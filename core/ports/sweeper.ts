/** What a sweep has removed. */
export interface Swept {
  /** Blobs that no record and no task points to. */
  readonly blobs: number
  /** Groups of chunks that belong to no blob: what a process left behind that was killed while it wrote. */
  readonly strays: number
}

/** Frees what nothing refers to any more. Requests only drop references; this is where bytes go. */
export interface Sweeper {
  /**
   * Looks at everything that is stored and removes what nothing refers to and what is old enough that nothing can be
   * about to. Harmless when it runs twice at once. @throws Fault when the store does not answer, or the signal's reason.
   */
  sweep(signal: AbortSignal): Promise<Swept>
}
