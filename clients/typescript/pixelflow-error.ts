import { faultRow, faults, type FaultCode, type FaultReport, type FaultRow } from '@pixelflow/core/fault'
import type { TaskView } from '@pixelflow/core/api'

/**
 * A code of the server's error table, or one of three that only a client can tell: nobody answers (`unreachable`), what
 * answers is no PixelFlow server (`not_pixelflow`), or the bytes are not the promised ones (`damaged`). A newer server
 * may know more.
 */
export type ErrorCode = FaultCode | 'unreachable' | 'not_pixelflow' | 'damaged' | (string & {})

export interface ErrorFields extends Omit<FaultReport, 'code' | 'detail'> {
  /** HTTP status; unless given, that of the code, 0 for those of the client. */
  readonly status?: number | undefined
  readonly title?: string | undefined
  readonly requestId?: string | undefined
  readonly task?: TaskView | undefined
  readonly cause?: unknown
}

/** Whatever a server refuses, or that nobody answers: what, where, and what to do about it, in words for people. */
export class PixelflowError extends Error {
  override readonly name = 'PixelflowError'
  readonly code: ErrorCode
  /** HTTP status of the refusal, also over gRPC; 0 when no answer came. */
  readonly status: number
  /** What the code is called. */
  readonly title: string
  /** The parameter, field or header at fault, e.g. `steps[1].sigma`. */
  readonly field: string | undefined
  /** What to do about it, as one sentence. */
  readonly remedy: string | undefined
  /** The id under which the server's log knows the call. */
  readonly requestId: string | undefined
  /** After how long another try makes sense, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The task that failed, when it is one. */
  readonly task: TaskView | undefined

  constructor(code: ErrorCode, detail: string, hints: ErrorFields = {}) {
    super(detail, hints.cause === undefined ? undefined : { cause: hints.cause })
    const row = rowOf(code)
    this.code = code
    this.status = hints.status ?? row?.http ?? 0
    this.title = hints.title ?? row?.title ?? 'The call did not work'
    this.field = hints.field
    this.remedy = hints.remedy ?? row?.remedy
    this.requestId = hints.requestId
    this.retryAfterMs = hints.retryAfterMs
    this.task = hints.task
  }

  get detail(): string {
    return this.message
  }

  /** Whether only another recipe helps. */
  get isRecipeFault(): boolean {
    return rowOf(this.code)?.isRecipeFault === true
  }

  /** Whether the same call may go better a little later: nobody answered, or the server is not available just now. */
  get isTemporary(): boolean {
    const { code, status } = this
    if (code === 'unreachable' || rowOf(code)?.isTemporary === true) return true
    return status === 429 || status === 502 || status === 503
  }
}

/** Undefined for the codes of this client, and for those of a newer server. */
function rowOf(code: ErrorCode): FaultRow | undefined {
  return Object.hasOwn(faults, code) ? faultRow(code as FaultCode) : undefined
}

/** That nobody answers at an address. */
export function unreachableError(address: string, cause?: unknown, reason?: string): PixelflowError {
  const at = address === '' ? 'The server' : `The server at ${address}`
  const why = reason === undefined ? '' : ` (${reason})`
  return new PixelflowError('unreachable', `${at} could not be reached${why}.`, {
    title: 'No answer from PixelFlow',
    remedy: 'Check that it is running and try again.',
    cause,
  })
}

/** That a call took longer than it might. */
export function deadlineError(ms: number, cause?: unknown): PixelflowError {
  return new PixelflowError('deadline_exceeded', `The call took longer than ${ms} ms.`, { cause })
}
