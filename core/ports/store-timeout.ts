/**
 * Limits how long one call waits for the store. The limit applies to the sum of all waits of a call, so that the call
 * is answered in time regardless of its number of requests. Waits for the chunks of a large file do not count while
 * each chunk takes at most a second.
 */
export interface StoreTimeout {
  /** Runs a call. When its time is used up, this wait and all later ones fail as `unavailable`. */
  call<T>(work: () => Promise<T>): Promise<T>
  /** The same for a call that answers with a stream: each value has the full time. */
  stream<T>(values: AsyncIterable<T>): AsyncGenerator<T, void>
  /** Starts work that may outlast the call; its waits do not count. */
  detached<T>(work: () => T): T
}
