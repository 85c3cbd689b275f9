/** What the rest of the system needs to know about an error code. Flags that are left out are false. */
export interface FaultRow {
  /** HTTP status of the problem+json answer. */
  readonly http: number
  /** Status code of the gRPC answer, see https://grpc.io/docs/guides/status-codes/. */
  readonly grpc: number
  /** A noun phrase, shown above the detail. */
  readonly title: string
  /** What the caller can do, for faults that are thrown without a more specific remedy. */
  readonly remedy: string
  /** Another attempt at the same work may succeed; otherwise the task fails at once. */
  readonly retryable?: true
  /** The caller may repeat the same call a little later. */
  readonly isTemporary?: true
  /** Caused by load or by a dependency, not by a bug: logged at `info` although the status is 5xx. */
  readonly isExpected?: true
  /** Rejects the caller or the load, not the content of the request. Counts against the budget of refusals. */
  readonly isRefusal?: true
  /** Ends a task for a reason that its owner cannot change: kept as a dead letter and logged at `warn`. */
  readonly needsOperator?: true
  /** The store failed, so the outcome of a write is unknown. */
  readonly isStoreFault?: true
  /** The queue accepts no more tasks; no task was created. */
  readonly isBacklogFault?: true
  /** Another actor can continue the live session. */
  readonly canFailOver?: true
  /** The recipe does not fit the image; only another recipe helps. */
  readonly isRecipeFault?: true
  /** Ends one rendering of a preview; the session continues with the next. */
  readonly isRenderingFault?: true
  /** Rejects one message of a tuning session; the session continues. */
  readonly isMessageFault?: true
  /** A file can be refused with it while it is uploaded. */
  readonly isUploadFault?: true
  /** Work on an image can end with it because of the image or the recipe. */
  readonly isProcessingFault?: true
  /** Every call can fail with it: an unknown query parameter, for example, is an `invalid_request`. */
  readonly isUniversal?: true
}

export type FaultFlag = Exclude<keyof FaultRow, 'http' | 'grpc' | 'title' | 'remedy'>
