/**
 * Every way PixelFlow can say no, in one table.
 *
 * `http` is the status of the problem+json answer, `grpc` the canonical status code of its gRPC twin
 * (https://grpc.io/docs/guides/status-codes/), and `retryable` says whether another attempt at the
 * same work may succeed: true for faults of the environment, false for faults of the input and for ended work.
 */
export const faults = {
  invalid_request: { http: 400, grpc: 3, retryable: false, title: 'The request is not valid' },
  invalid_recipe: { http: 400, grpc: 3, retryable: false, title: 'The recipe is not valid' },
  unauthenticated: { http: 401, grpc: 16, retryable: false, title: 'Valid credentials are needed' },
  forbidden: { http: 403, grpc: 7, retryable: false, title: 'This is not allowed' },
  not_found: { http: 404, grpc: 5, retryable: false, title: 'There is no such thing' },
  image_not_found: { http: 404, grpc: 5, retryable: false, title: 'There is no such image' },
  task_not_found: { http: 404, grpc: 5, retryable: false, title: 'There is no such task' },
  output_not_found: { http: 404, grpc: 5, retryable: false, title: 'There is no such output' },
  method_not_allowed: { http: 405, grpc: 12, retryable: false, title: 'This method is not allowed here' },
  conflict: { http: 409, grpc: 10, retryable: false, title: 'Somebody else was faster' },
  task_ended: { http: 409, grpc: 9, retryable: false, title: 'The task has already ended' },
  task_active: { http: 409, grpc: 9, retryable: false, title: 'The task has not ended yet' },
  idempotency_key_in_use: {
    http: 409,
    grpc: 10,
    retryable: false,
    title: 'The same call is still under way',
  },
  cancelled: { http: 409, grpc: 1, retryable: false, title: 'The task was cancelled' },
  precondition_failed: { http: 412, grpc: 9, retryable: false, title: 'A precondition does not hold' },
  image_too_large: { http: 413, grpc: 8, retryable: false, title: 'The image is too large' },
  unsupported_format: { http: 415, grpc: 3, retryable: false, title: 'This kind of file is not supported' },
  range_not_satisfiable: {
    http: 416,
    grpc: 11,
    retryable: false,
    title: 'The range lies outside the content',
  },
  idempotency_key_reused: {
    http: 422,
    grpc: 9,
    retryable: false,
    title: 'The idempotency key was used for another call',
  },
  corrupt_image: { http: 422, grpc: 3, retryable: false, title: 'The image cannot be decoded' },
  too_many_pixels: { http: 422, grpc: 8, retryable: false, title: 'The image has too many pixels' },
  truncated_upload: { http: 400, grpc: 15, retryable: false, title: 'The upload ended too early' },
  processing_failed: { http: 422, grpc: 9, retryable: false, title: 'The image could not be processed' },
  resource_limit_exceeded: { http: 422, grpc: 8, retryable: false, title: 'The task took more than it may' },
  actor_lost: { http: 503, grpc: 14, retryable: true, title: 'The process doing the work was lost' },
  attempts_exhausted: { http: 422, grpc: 10, retryable: false, title: 'Every attempt has failed' },
  too_many_sessions: { http: 429, grpc: 8, retryable: true, title: 'Too many sessions are open' },
  too_many_tasks: { http: 429, grpc: 8, retryable: true, title: 'Too many tasks are waiting' },
  overloaded: { http: 503, grpc: 8, retryable: true, title: 'Too much is received at once' },
  queue_full: { http: 503, grpc: 8, retryable: true, title: 'The queue is full' },
  storage_failed: { http: 503, grpc: 14, retryable: true, title: 'The store did not answer as it should' },
  data_loss: { http: 500, grpc: 15, retryable: false, title: 'Stored data lost' },
  incompatible_record: { http: 500, grpc: 15, retryable: false, title: 'What is stored cannot be read' },
  unavailable: { http: 503, grpc: 14, retryable: true, title: 'The service is not available just now' },
  deadline_exceeded: { http: 504, grpc: 4, retryable: false, title: 'It took too long' },
  internal: { http: 500, grpc: 13, retryable: true, title: 'Something went wrong on our side' },
} as const satisfies Record<string, FaultRow>

export interface FaultRow {
  readonly http: number
  readonly grpc: number
  readonly retryable: boolean
  readonly title: string
}

export type FaultCode = keyof typeof faults

/** Codes that earlier versions wrote into events and dead letters, with the code that replaces each. */
const renamedCodes: Readonly<Record<string, FaultCode>> = {
  out_of_bounds: 'resource_limit_exceeded',
  unreadable: 'incompatible_record',
}

/** The current name of a stored code. Other values are returned unchanged. */
export function currentCode<T>(code: T): T | FaultCode {
  const isRenamed = typeof code === 'string' && Object.hasOwn(renamedCodes, code)
  return (isRenamed ? renamedCodes[code] : undefined) ?? code
}

/**
 * Failures of the surroundings or of the load. They are answered with a status of the server, but are not errors of this
 * program, so their requests are not logged as errors.
 */
const expected: ReadonlySet<FaultCode> = new Set(['unavailable', 'deadline_exceeded', 'overloaded'])

export function isExpected(code: FaultCode): boolean {
  return expected.has(code)
}

/** Where and why, in words for the person who sent the request. Never carries anything internal. */
export interface FaultPlace {
  /** The field, header, variable or parameter at fault, e.g. `steps[1].sigma`. */
  readonly field?: string
  /** What to do about it, as one sentence. */
  readonly remedy?: string
  /** After how long another try makes sense, in milliseconds. */
  readonly retryAfterMs?: number
}

/** What a Fault looks like once it has left the process: in an event, a child's message or an answer. */
export interface FaultReport extends FaultPlace {
  readonly code: FaultCode
  readonly detail: string
}

/** The one error type that crosses a border. `detail` is public, `cause` stays in the logs. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly place: FaultPlace

  constructor(code: FaultCode, detail: string, place: FaultPlace & { cause?: unknown } = {}) {
    const { cause, ...rest } = place
    // Half a character, left where a long name was cut, cannot be sent by every transport.
    super(detail.toWellFormed(), cause === undefined ? undefined : { cause })
    this.code = code
    this.place = rest
  }

  get row(): FaultRow {
    return faults[this.code]
  }

  report(): FaultReport {
    return { code: this.code, detail: this.message, ...this.place }
  }

  static from(report: FaultReport): Fault {
    const { code, detail, ...place } = report
    return new Fault(code, detail, place)
  }

  /** Anything thrown becomes a Fault; what is not one already is `internal`, its message kept as the private cause. */
  static of(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown
    return new Fault('internal', 'An unexpected error occurred.', { cause: thrown })
  }
}
