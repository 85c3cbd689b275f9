import type { PixelflowError } from '@pixelflow/client'
import { CliError } from '../cli-error.ts'

/**
 * Converts an error of the client to the error that ends the command.
 * @param option the option that holds the invalid value, where the server names a header or a message field instead
 */
export function mapClientError(error: PixelflowError, option?: string): CliError {
  const { code, status, message, task, cause } = error
  const place = {
    cause: error,
    field: option ?? error.field,
    remedy: error.remedy ?? 'Try again; if it persists, report the request id to the operator of the server.',
    requestId: error.requestId,
  }
  if (task)
    return new CliError(
      'failed',
      task.status === 'failed' ? `Task ${task.id} failed: ${message}` : message,
      place,
    )
  if (code === 'unreachable') {
    const why = codeOf(cause)
    const isMistrust = why !== undefined && /CERT|SIGNATURE/.test(why)
    const isPlain = why === 'ECONNRESET' && message.includes('http://')
    return new CliError('unreachable', why === undefined ? message : `${message.slice(0, -1)} (${why}).`, {
      ...place,
      remedy: isMistrust
        ? 'Name the authority that vouches for it with --ca or PIXELFLOW_CA_FILE, and call it by a name in its certificate.'
        : isPlain
          ? 'Something is there that wants to be spoken to otherwise: with TLS the address begins with https://.'
          : isGrpc(cause)
            ? 'Start a server with ./pixelflow up, or name the gRPC port of a running one with --grpc or PIXELFLOW_GRPC_URL.'
            : 'Start one with ./pixelflow up, or name another one with --server or PIXELFLOW_URL.',
    })
  }
  // What the server says of headers helps those who write the request themselves.
  if (status === 401)
    return new CliError('denied', message, {
      ...place,
      remedy:
        error.field === undefined
          ? 'Show a certificate that the server knows: --cert and --key, or PIXELFLOW_CLIENT_CERT_FILE and PIXELFLOW_CLIENT_KEY_FILE.'
          : 'Set PIXELFLOW_TOKEN to a token that the server knows.',
    })
  if (status === 403) return new CliError('denied', message, place)
  const isMistake = status >= 400 && status < 500 && !refusedAsItIs.has(status)
  return new CliError(isMistake && code !== 'not_pixelflow' ? 'usage' : 'failed', message, place)
}

/** Nothing is wrong with the command line: what it names is not there, not in a state for it, or has to wait. */
const refusedAsItIs: ReadonlySet<number> = new Set([404, 409, 412, 429])

/** Whether the failure is a status of a gRPC channel. */
function isGrpc(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number'
}

/** The system's code for a connection that failed, e.g. `ECONNREFUSED`; undefined when the failure is of another kind. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
