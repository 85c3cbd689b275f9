import { Fault } from '@pixelflow/core/fault'
import { StorageFull, Unreachable } from './unreachable.ts'

/** The public fault for a failed exchange with the broker. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (thrown instanceof StorageFull) {
    return new Fault('storage_failed', 'The store is full.', {
      remedy: 'Try again later. An operator has to free disk space or raise the storage limit.',
      cause: thrown,
      retryAfterMs: 5000,
    })
  }
  if (thrown instanceof Unreachable) {
    return new Fault('unavailable', 'The store does not answer.', {
      remedy: 'Try again in a moment.',
      cause: thrown,
      retryAfterMs: 1000,
    })
  }
  return new Fault('storage_failed', 'The store rejected a request.', {
    remedy: 'Try again. If it persists, report the request id; the log has the reason.',
    cause: thrown,
  })
}
