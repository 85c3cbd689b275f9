import { problem } from '@pixelflow/core/api'
import { Exit } from '../exit.ts'

/** What a server's refusal means for the one who typed the command. */
export async function exitOf(response: Response): Promise<Exit> {
  const text = await response.text().catch(() => '')
  const requestId = response.headers.get('x-request-id') ?? undefined
  const told = problem.partial().safeParse(parsed(text))
  const { detail, field, remedy } = told.success ? told.data : {}
  const denied = response.status === 401 || response.status === 403
  const ending = denied ? 'denied' : response.status >= 500 ? 'failed' : 'usage'
  const id = (told.success ? told.data.requestId : undefined) ?? requestId
  const message = detail ?? `The server answered ${response.status} ${response.statusText}.`
  const more = id === undefined ? {} : { requestId: id }
  if (response.status === 401) {
    // What the server says of headers helps those who write the request themselves.
    return new Exit(ending, message, {
      ...more,
      remedy: 'Set PIXELFLOW_TOKEN to a token that the server knows.',
    })
  }
  return new Exit(ending, message, {
    ...more,
    ...(field === undefined ? {} : { field }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The end of a command that nobody answered. */
export function unreachable(server: string, cause: unknown): Exit {
  const code = codeOf(cause)
  return new Exit('unreachable', `No PixelFlow server answers at ${server}${code ? ` (${code})` : ''}.`, {
    remedy: 'Start one with ./pixelflow up, or name another one with --server or PIXELFLOW_URL.',
    cause,
  })
}

/** The system's code for a connection that failed, e.g. `ECONNREFUSED`; undefined when the failure is of another kind. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
