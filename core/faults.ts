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
  /** Every call can fail with it: an unknown query parameter, for example, is an `invalid_request`. */
  readonly isUniversal?: true
}

/** Every error code. Code that treats several codes alike reads a column; a list elsewhere would miss the next row. */
export const faults = {
  invalid_request: {
    http: 400,
    grpc: 3,
    title: 'Invalid request',
    remedy: 'Correct the request and send it again.',
    isMessageFault: true,
    isUniversal: true,
  },
  invalid_recipe: {
    http: 400,
    grpc: 3,
    title: 'Invalid recipe',
    remedy: 'Correct the recipe and send it again.',
    isRecipeFault: true,
    isRenderingFault: true,
    isMessageFault: true,
  },
  unauthenticated: {
    http: 401,
    grpc: 16,
    title: 'Missing or invalid credentials',
    remedy: 'Send a valid API token or use a valid client certificate.',
    isRefusal: true,
    isUniversal: true,
  },
  forbidden: {
    http: 403,
    grpc: 7,
    title: 'Permission denied',
    remedy: 'Use credentials that permit this call.',
    isRefusal: true,
    isMessageFault: true,
    isUniversal: true,
  },
  not_found: { http: 404, grpc: 5, title: 'Unknown resource', remedy: 'Check the path and the id.' },
  image_not_found: {
    http: 404,
    grpc: 5,
    title: 'Unknown image',
    remedy: 'Check the image id, or upload the image again.',
    isMessageFault: true,
  },
  task_not_found: { http: 404, grpc: 5, title: 'Unknown task', remedy: 'Check the task id.' },
  output_not_found: {
    http: 404,
    grpc: 5,
    title: 'Unknown output',
    remedy: 'Use the name of an output that the task lists.',
  },
  method_not_allowed: {
    http: 405,
    grpc: 12,
    title: 'Unsupported method',
    remedy: 'Use a method that this path supports.',
  },
  conflict: {
    http: 409,
    grpc: 10,
    title: 'Concurrent modification',
    remedy: 'Read the current state and try again.',
  },
  task_ended: {
    http: 409,
    grpc: 9,
    title: 'Task already ended',
    remedy: 'Create a new task, or retry this one as a new task.',
  },
  task_active: {
    http: 409,
    grpc: 9,
    title: 'Task still in progress',
    remedy: 'Wait until the task has ended, or cancel it.',
  },
  idempotency_key_in_use: {
    http: 409,
    grpc: 10,
    title: 'Idempotency key in use',
    remedy: 'Repeat the same call in a moment to get its result.',
    isTemporary: true,
  },
  cancelled: {
    http: 409,
    grpc: 1,
    title: 'Cancelled work',
    remedy: 'Make the call again if the result is still needed.',
  },
  precondition_failed: {
    http: 412,
    grpc: 9,
    title: 'Failed precondition',
    remedy: 'Read the current state and send a request that matches it.',
    isMessageFault: true,
  },
  image_too_large: { http: 413, grpc: 8, title: 'Image too large', remedy: 'Upload a smaller file.' },
  unsupported_format: {
    http: 415,
    grpc: 3,
    title: 'Unsupported format',
    remedy: 'Convert the file to a supported format such as PNG or JPEG and upload it again.',
  },
  range_not_satisfiable: {
    http: 416,
    grpc: 11,
    title: 'Range outside the content',
    remedy: 'Request a range within the content.',
  },
  idempotency_key_reused: {
    http: 422,
    grpc: 9,
    title: 'Reused idempotency key',
    remedy: 'Use a new key for each call, and the same key only to repeat the same call.',
  },
  corrupt_image: {
    http: 422,
    grpc: 3,
    title: 'Corrupt image',
    remedy: 'Save the image again with an image editor and upload the new file.',
  },
  too_many_pixels: {
    http: 422,
    grpc: 8,
    title: 'Too many pixels',
    remedy: 'Use a smaller image or a recipe with a smaller result.',
    isRenderingFault: true,
  },
  truncated_upload: {
    http: 400,
    grpc: 15,
    title: 'Incomplete upload',
    remedy: 'Upload the whole file again.',
  },
  processing_failed: {
    http: 422,
    grpc: 9,
    title: 'Processing failure',
    remedy: 'Change the recipe or use another image.',
    isRecipeFault: true,
    isRenderingFault: true,
  },
  resource_limit_exceeded: {
    http: 422,
    grpc: 8,
    title: 'Resource limit exceeded',
    remedy: 'Use a smaller or simpler image, or a simpler recipe.',
    isRenderingFault: true,
  },
  actor_lost: {
    http: 503,
    grpc: 14,
    title: 'Lost worker',
    remedy: 'Try again.',
    retryable: true,
    isTemporary: true,
    canFailOver: true,
    isRenderingFault: true,
  },
  attempts_exhausted: {
    http: 422,
    grpc: 10,
    title: 'No attempts left',
    remedy: 'Retry the task later. If it fails again, report the task id to the operator.',
    needsOperator: true,
  },
  too_many_sessions: {
    http: 429,
    grpc: 8,
    title: 'Too many open sessions',
    remedy: 'Close a session, or try again later.',
    retryable: true,
    isTemporary: true,
  },
  too_many_tasks: {
    http: 429,
    grpc: 8,
    title: 'Too many waiting tasks',
    remedy: 'Wait until some tasks have ended and try again.',
    retryable: true,
    isTemporary: true,
    isBacklogFault: true,
    isMessageFault: true,
  },
  overloaded: {
    http: 503,
    grpc: 8,
    title: 'Overloaded server',
    remedy: 'Send fewer requests at a time, and try again later.',
    retryable: true,
    isTemporary: true,
    isExpected: true,
    isRefusal: true,
  },
  queue_full: {
    http: 503,
    grpc: 8,
    title: 'Full queue',
    remedy: 'Try again later.',
    retryable: true,
    isTemporary: true,
    isBacklogFault: true,
    isMessageFault: true,
  },
  storage_failed: {
    http: 503,
    grpc: 14,
    title: 'Storage failure',
    remedy: 'Try again in a moment.',
    retryable: true,
    isTemporary: true,
    isStoreFault: true,
    isMessageFault: true,
  },
  data_loss: {
    http: 500,
    grpc: 15,
    title: 'Data loss',
    remedy: 'Upload the image again, and report the request id to the operator.',
    needsOperator: true,
  },
  incompatible_record: {
    http: 500,
    grpc: 15,
    title: 'Incompatible record',
    remedy: 'Ask the operator to run the newest version of PixelFlow that has written to this store.',
  },
  unavailable: {
    http: 503,
    grpc: 14,
    title: 'Service unavailable',
    remedy: 'Try again in a moment.',
    retryable: true,
    isTemporary: true,
    isExpected: true,
    isStoreFault: true,
    canFailOver: true,
    isMessageFault: true,
    isUniversal: true,
  },
  deadline_exceeded: {
    http: 504,
    grpc: 4,
    title: 'Deadline exceeded',
    remedy: 'Try again with more time or a simpler recipe.',
    isExpected: true,
    isRenderingFault: true,
  },
  internal: {
    http: 500,
    grpc: 13,
    title: 'Internal error',
    remedy: 'Try again. If the error repeats, report the request id to the operator.',
    retryable: true,
    isUniversal: true,
  },
} as const satisfies Record<string, FaultRow>

export type FaultCode = keyof typeof faults

export function faultRow(code: FaultCode): FaultRow {
  return faults[code]
}
