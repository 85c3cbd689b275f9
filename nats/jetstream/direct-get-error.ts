import { JetStreamError } from '../connection/jet-stream-error.ts'
import { Unreachable } from '../connection/unreachable.ts'

/** The error for a status of a direct get other than "not found". */
export function directGetError(status: number, description = 'rejected'): JetStreamError | Unreachable {
  const message = `${description} (${status})`
  return status === 503 || status === 408 ? new Unreachable(message) : new JetStreamError(status, message)
}
