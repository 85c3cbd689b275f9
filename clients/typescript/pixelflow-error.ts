import { faultRow, faults, type FaultCode, type FaultReport, type FaultRow } from '@pixelflow/core/fault'
import type { TaskView } from '@pixelflow/core/views'

/**
 * A code of the server's error table, or a code of this client: the server cannot be reached (`unreachable`), the response
 * is not from a PixelFlow server (`not_pixelflow`), or a downloaded file does not match its SHA-256 or changed during the
 * download (`damaged`). A newer server may send other codes.
 */
export type ErrorCode = FaultCode | 'unreachable' | 'not_pixelflow' | 'damaged' | (string & {})

export interface ErrorFields extends Omit<FaultReport, 'code' | 'detail'> {
  /** HTTP status; default: the status of the code, 0 for codes of the client. */
  readonly status?: number | undefined
  readonly title?: string | undefined
  readonly requestId?: string | undefined
  readonly traceId?: string | undefined
  readonly task?: TaskView | undefined
  readonly cause?: unknown
}

/** The error of a call that the server has rejected or has not answered. */
export class PixelflowError extends Error {
  override readonly name = 'PixelflowError'
  readonly code: ErrorCode
  /** HTTP status of the error, also over gRPC; 0 if there is no response. */
  readonly status: number
  /** Title of the code, a noun phrase. */
  readonly title: string
  /** The invalid parameter, field or header, e.g. `steps[1].sigma`. */
  readonly field: string | undefined
  /** What to do. */
  readonly remedy: string | undefined
  /** The id of the call in the server's log. */
  readonly requestId: string | undefined
  /** The trace of the call, where the server records traces. */
  readonly traceId: string | undefined
  /** Delay before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The failed task, if the error is that of a task. */
  readonly task: TaskView | undefined

  constructor(code: ErrorCode, detail: string, fields: ErrorFields = {}) {
    super(detail, fields.cause === undefined ? undefined : { cause: fields.cause })
    const row = rowOf(code)
    this.code = code
    this.status = fields.status ?? row?.http ?? 0
    this.title = fields.title ?? row?.title ?? 'Failed call'
    this.field = fields.field
    this.remedy = fields.remedy ?? row?.remedy
    this.requestId = fields.requestId
    this.traceId = fields.traceId
    this.retryAfterMs = fields.retryAfterMs
    this.task = fields.task
  }

  get detail(): string {
    return this.message
  }

  /** Whether the recipe must be corrected. */
  get isRecipeFault(): boolean {
    return rowOf(this.code)?.isRecipeFault === true
  }

  /** Whether the same call may succeed later: the server did not respond, is overloaded, or lacks a service it needs. */
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
export function unreachableError(address: string, cause?: unknown): PixelflowError {
  const server = address === '' ? 'The server' : `The server at ${address}`
  return new PixelflowError('unreachable', `${server} cannot be reached.`, {
    title: 'Unreachable server',
    remedy: 'Check that the server is running and try again.',
    cause,
  })
}

/** The error of a response that a PixelFlow server does not send. */
export function notPixelflowError(
  address: string,
  reason: string,
  remedy: string,
  fields: Pick<ErrorFields, 'status' | 'requestId' | 'cause'> = {},
): PixelflowError {
  const server = address === '' ? 'The server' : `The server at ${address}`
  return new PixelflowError('not_pixelflow', `${server} is not a PixelFlow server: ${reason}.`, {
    title: 'Not a PixelFlow server',
    remedy,
    ...fields,
  })
}

/** The error of a call that exceeded its timeout. */
export function deadlineError(timeoutMs: number, cause?: unknown): PixelflowError {
  return new PixelflowError('deadline_exceeded', `The call did not finish within ${timeoutMs} ms.`, { cause })
}
