import { PixelflowError } from '@pixelflow/client'
import { faults, type FaultRow } from '@pixelflow/core/fault'

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

export function tokenMissing(): PixelflowError {
  return new PixelflowError('unauthenticated', 'This server requires a token.', {
    title: 'Token required',
    remedy: 'Ask the operator of the server for a token.',
  })
}

/** What a fault code is called, in the words of the table the server uses too; a newer server may have more codes. */
export function titleOfFault(code: string): string {
  const known: Readonly<Record<string, FaultRow | undefined>> = faults
  return known[code]?.title ?? 'The task failed'
}

/** Anything thrown, as something to show. */
export function noticeOf(thrown: unknown): Notice {
  if (!(thrown instanceof PixelflowError)) {
    return { title: 'Unexpected error on this page', detail: String(thrown) }
  }
  const { title, detail, code, field, remedy, requestId } = thrown
  return {
    title,
    detail,
    code,
    ...(field === undefined ? {} : { field }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
