/** What a sweep has removed. */
export interface SweepResult {
  /** Blobs without a reference. */
  readonly blobs: number
  /** Groups of chunks without a blob, left by processes that were killed while writing. */
  readonly orphanedChunks: number
}

/** Garbage collection of blobs: requests only drop references, and the sweeper removes the bytes. */
export interface Sweeper {
  /**
   * Removes what has no reference and is old enough not to get one. Harmless when two run at once.
   * @throws Fault when the store does not answer, or the signal's reason.
   */
  sweep(signal: AbortSignal): Promise<SweepResult>
}
