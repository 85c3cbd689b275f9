import type { Problem } from '@pixelflow/core/api'
import { faults, type FaultReport, type FaultRow } from '@pixelflow/core/fault'

/** Something that went wrong, in the words the page shows. Made from a problem+json answer, a task's fault or here. */
export interface Notice {
  readonly title: string
  readonly detail: string
  /** The parameter, field or header at fault, e.g. `steps[1].sigma`. */
  readonly field?: string
  /** What to do about it, as one sentence. */
  readonly remedy?: string
  readonly code?: string
  readonly requestId?: string
}

/** A call that did not work; `notice` is fit to be shown. `status` is 0 when no answer came at all. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  readonly status: number
  readonly notice: Notice

  constructor(status: number, notice: Notice, cause?: unknown) {
    super(notice.detail, { cause })
    this.status = status
    this.notice = notice
  }
}

export function unreachable(cause?: unknown): CallFailed {
  return new CallFailed(
    0,
    {
      title: 'No answer from PixelFlow',
      detail: 'The server could not be reached.',
      remedy: 'Check that it is running and try again.',
    },
    cause,
  )
}

export function tokenMissing(): CallFailed {
  return new CallFailed(401, {
    title: 'A token is needed',
    detail: 'This server answers only to those who have a token.',
    remedy: 'Ask whoever runs it for one.',
    code: 'unauthenticated',
  })
}

/** What an answer that is not a success says, whether or not it is problem+json. */
export function failedAnswer(status: number, statusText: string, body: string): CallFailed {
  const said = problemOf(body)
  if (said === undefined) {
    const detail = `The server answered ${status}${statusText === '' ? '' : ` ${statusText}`}.`
    return new CallFailed(status, { title: 'The call did not work', detail })
  }
  const { title, detail, code, requestId, field, remedy } = said
  return new CallFailed(status, {
    title: title ?? 'The call did not work',
    detail: detail ?? `The server answered ${status}.`,
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(field === undefined ? {} : { field }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** What a fault code is called, in the words of the table the server uses too; a newer server may have more codes. */
export function titleOfFault(code: string): string {
  const known: Readonly<Record<string, FaultRow | undefined>> = faults
  return known[code]?.title ?? 'The task failed'
}

/** The words of a task's own fault. */
export function noticeOfFault(fault: FaultReport): Notice {
  const { detail, code, field, remedy } = fault
  return {
    title: titleOfFault(code),
    detail,
    code,
    ...(field === undefined ? {} : { field }),
    ...(remedy === undefined ? {} : { remedy }),
  }
}

/** Anything thrown, as something to show. */
export function noticeOf(thrown: unknown): Notice {
  if (thrown instanceof CallFailed) return thrown.notice
  return { title: 'Something went wrong on this page', detail: String(thrown) }
}

function problemOf(body: string): Partial<Problem> | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}
