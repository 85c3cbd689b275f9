/**
 * How long one call waits for the store. All the waits of a call count together, so that it is answered in time however
 * many exchanges it needs and however the store behaves; only time in which nothing moves counts.
 */
export interface StoreTimeout {
  /** Runs a call. When its time is over, its waits for the store fail as `unavailable`, and so do all that follow. */
  call<T>(work: () => Promise<T>): Promise<T>
  /** The same for a call that answers with a stream: each value has the whole time. */
  stream<T>(values: AsyncIterable<T>): AsyncGenerator<T, void>
  /** Starts work that may outlast the answer of the call that starts it; its waits do not count. */
  detached<T>(work: () => T): T
}
