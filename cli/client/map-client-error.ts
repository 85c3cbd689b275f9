import type { PixelflowError } from '@pixelflow/client'
import { CliError } from '../cli-error.ts'

/**
 * Converts an error of the client to the error that ends the command.
 * @param option the option with the invalid value, if the server reports a header or a message field instead
 */
export function mapClientError(error: PixelflowError, option?: string): CliError {
  const { code, status, message, task, cause } = error
  const details = {
    cause: error,
    field: option ?? error.field,
    remedy: error.remedy ?? 'Try again; if it persists, report the request id to the operator of the server.',
    requestId: error.requestId,
  }
  if (task)
    return new CliError(
      'failed',
      task.status === 'failed' ? `Task ${task.id} failed: ${message}` : message,
      details,
    )
  if (code === 'unreachable') {
    const systemCode = codeOf(cause)
    const isUntrusted = systemCode !== undefined && untrustedCodes.has(systemCode)
    return new CliError(
      'unreachable',
      systemCode === undefined ? message : `${message} Cause: ${systemCode}.`,
      {
        ...details,
        libraryMessage: isGrpc(cause) ? cause.details?.trim() : undefined,
        remedy: isUntrusted
          ? 'Give its certificate authority with --ca or PIXELFLOW_CA_FILE, and use a host name of its certificate.'
          : systemCode === 'ECONNRESET'
            ? 'Check the address and the network. If the server uses TLS, the address begins with https://.'
            : isGrpc(cause)
              ? 'Start a server with ./pixelflow up, or give the gRPC address of a running one with --grpc or PIXELFLOW_GRPC_URL.'
              : 'Start a server with ./pixelflow up, or give the address of a running one with --server or PIXELFLOW_URL.',
      },
    )
  }
  // The server's remedy is about headers, which users of the command line do not write.
  if (status === 401)
    return new CliError('denied', message, {
      ...details,
      remedy:
        error.field === undefined
          ? 'Give a client certificate that the server accepts, with --cert and --key, or PIXELFLOW_CLIENT_CERT_FILE and PIXELFLOW_CLIENT_KEY_FILE.'
          : 'Set PIXELFLOW_TOKEN to a token that the server accepts.',
    })
  if (status === 403) return new CliError('denied', message, details)
  const isInvalid = status >= 400 && status < 500 && !notUsageErrors.has(status)
  return new CliError(isInvalid && code !== 'not_pixelflow' ? 'usage' : 'failed', message, details)
}

/** Codes of OpenSSL and the runtimes for a certificate of a server that this machine does not trust. */
const untrustedCodes: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** The command line is valid, but the resource does not exist or is in another state, or a limit is reached. */
const notUsageErrors: ReadonlySet<number> = new Set([404, 409, 412, 429])

/** Whether the failure is a status of a gRPC channel, whose `details` are the only reason that the library gives. */
function isGrpc(cause: unknown): cause is Error & { readonly details?: string } {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number'
}

/** The error code of the system, for example `ECONNREFUSED`; undefined when the error has none. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
