import type { Problem } from '@pixelflow/core/problem'
import { PixelflowError } from '../pixelflow-error.ts'

/** Converts an error response to a `PixelflowError`, whether or not its body is problem+json. */
export function parseProblem(
  status: number,
  statusText: string,
  headers: (name: string) => string | null,
  body: string,
) {
  const problem = parseJsonObject(body)
  const { detail, code = codes[status] ?? 'http_error', title, field, remedy } = problem
  const retryAfter = Number(headers('retry-after') ?? Number.NaN)
  return new PixelflowError(
    code,
    detail ?? `The server responded with ${`${status} ${statusText}`.trim()}.`,
    {
      status,
      title,
      requestId: problem.requestId ?? headers('x-request-id') ?? undefined,
      traceId: problem.traceId,
      ...(field === undefined ? {} : { field }),
      ...(remedy === undefined ? {} : { remedy }),
      ...(Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1000 } : {}),
    },
  )
}

/** Codes for responses without a problem body, such as those of a proxy. */
const codes: Readonly<Record<number, string>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  413: 'image_too_large',
  502: 'unavailable',
  503: 'unavailable',
  504: 'deadline_exceeded',
}

function parseJsonObject(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
