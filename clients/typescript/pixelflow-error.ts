import { faultRow, faults, type FaultCode, type FaultReport, type FaultRow } from '@pixelflow/core/fault'
import type { TaskView } from '@pixelflow/core/views'

/**
 * A code of the server's error table, or a code of this client: the server cannot be reached (`unreachable`), the answer is
 * not from a PixelFlow server (`not_pixelflow`), or the received bytes do not match their digest (`damaged`). A newer server
 * may send other codes.
 */
export type ErrorCode = FaultCode | 'unreachable' | 'not_pixelflow' | 'damaged' | (string & {})

export interface ErrorFields extends Omit<FaultReport, 'code' | 'detail'> {
  /** HTTP status; default: that of the code, or 0 for codes of the client. */
  readonly status?: number | undefined
  readonly title?: string | undefined
  readonly requestId?: string | undefined
  readonly task?: TaskView | undefined
  readonly cause?: unknown
}

/** The error of a call that the server rejected or did not answer. */
export class PixelflowError extends Error {
  override readonly name = 'PixelflowError'
  readonly code: ErrorCode
  /** HTTP status of the error, also over gRPC; 0 without an answer. */
  readonly status: number
  /** Title of the code, a noun phrase. */
  readonly title: string
  /** The invalid parameter, field or header, e.g. `steps[1].sigma`. */
  readonly field: string | undefined
  /** What to do. */
  readonly remedy: string | undefined
  /** The id of the call in the server's log. */
  readonly requestId: string | undefined
  /** Delay before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The failed task, if the error is that of a task. */
  readonly task: TaskView | undefined

  constructor(code: ErrorCode, detail: string, hints: ErrorFields = {}) {
    super(detail, hints.cause === undefined ? undefined : { cause: hints.cause })
    const row = rowOf(code)
    this.code = code
    this.status = hints.status ?? row?.http ?? 0
    this.title = hints.title ?? row?.title ?? 'Failed call'
    this.field = hints.field
    this.remedy = hints.remedy ?? row?.remedy
    this.requestId = hints.requestId
    this.retryAfterMs = hints.retryAfterMs
    this.task = hints.task
  }

  get detail(): string {
    return this.message
  }

  /** Whether the recipe must be corrected. */
  get isRecipeFault(): boolean {
    return rowOf(this.code)?.isRecipeFault === true
  }

  /** Whether repeating the same call later may succeed: no answer, overload or a failure of the server's environment. */
  get isTemporary(): boolean {
    const { code, status } = this
    if (code === 'unreachable' || rowOf(code)?.isTemporary === true) return true
    return status === 429 || status === 502 || status === 503
  }
}

/** Undefined for codes of this client and of a newer server. */
function rowOf(code: ErrorCode): FaultRow | undefined {
  return Object.hasOwn(faults, code) ? faultRow(code as FaultCode) : undefined
}

/** The error of a server that cannot be reached. */
export function unreachableError(address: string, cause?: unknown, reason?: string): PixelflowError {
  const at = address === '' ? 'The server' : `The server at ${address}`
  const why = reason === undefined ? '' : ` (${reason})`
  return new PixelflowError('unreachable', `${at} could not be reached${why}.`, {
    title: 'Unreachable server',
    remedy: 'Check that the server is running and try again.',
    cause,
  })
}

/** The error of a call that exceeded its timeout. */
export function deadlineError(ms: number, cause?: unknown): PixelflowError {
  return new PixelflowError('deadline_exceeded', `The call took longer than ${ms} ms.`, { cause })
}
