import { PixelflowError } from '@pixelflow/client'
import { faults, type FaultRow } from '@pixelflow/core/fault'

/** An error as the page shows it. Made from a problem+json response, a task's fault or a local check. */
export interface Notice {
  readonly title: string
  readonly detail: string
  /** The invalid parameter, field or header, e.g. `steps[1].sigma`. */
  readonly field?: string
  /** The remedy, as one sentence. */
  readonly remedy?: string
  readonly code?: string
  readonly requestId?: string
}

export function createMissingTokenError(): PixelflowError {
  return new PixelflowError('unauthenticated', 'This server requires a token.', {
    title: 'Token required',
    remedy: 'Ask the operator of the server for a token.',
  })
}

/** Title of a fault code, from the server's own table; a newer server may have more codes. */
export function findFaultTitle(code: string): string {
  const rows: Readonly<Record<string, FaultRow | undefined>> = faults
  return rows[code]?.title ?? 'The task failed'
}

/** The notice of any thrown value. */
export function toNotice(thrown: unknown): Notice {
  if (!(thrown instanceof PixelflowError)) {
    return {
      title: 'Unexpected error on this page',
      detail: String(thrown),
      remedy: 'Reload the page and try again.',
    }
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
