import { StorageFull, Unreachable } from './unreachable.ts'

/** JetStream rejected the request. `code` is its error code, e.g. 10071 for a wrong last sequence. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError'
  readonly code: number

  constructor(code: number, description: string) {
    super(`${description} (${code})`)
    this.code = code
  }
}

// Error codes: https://github.com/nats-io/nats-server/blob/v2.15.2/server/errors.json
export const wrongLastSequence = 10071
/** In a cluster: another message for the subject is in the consensus round, so its last sequence is unknown. */
const lastSequenceUndecided = 10164
/** For a full stream, and for a second message where a subject may have only one. */
const storeFailed = 10077
const insufficientResources = 10023
/** A cluster that forms does not know all its servers yet. */
const noSuitablePeers = 10005
export const noMessage = 10037
export const noSuchSequence = 10043
export const messageNotRemoved = 10057
export const streamNotFound = 10059
export const streamNameTaken = 10058
export const consumerNotFound = 10014
export const consumerExists = 10148

/**
 * Whether a stream did not store a message because it is full, or because the subject may have only one. Where this must be
 * told apart, `publishAfter` reports the second case as a conflict.
 */
export function isStoreFailure(thrown: unknown): boolean {
  return thrown instanceof JetStreamError && thrown.code === storeFailed
}

/** A 503 of JetStream means not yet (no leader, starting, overloaded), except that a full stream answers with it too. */
export function toJetStreamError(
  code: number,
  status: number,
  description: string,
): JetStreamError | Unreachable {
  if (code === insufficientResources) return new StorageFull(`${description} (${code})`)
  const isNotYet =
    code === lastSequenceUndecided || code === noSuitablePeers || (status === 503 && code !== storeFailed)
  if (isNotYet) return new Unreachable(`${description} (${code})`)
  return new JetStreamError(code, description)
}

/** The part that all answers of the JetStream API share. */
export interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** Returns an answer that is not an error. @throws JetStreamError, or Unreachable for a retryable error. */
export function assertSuccess<A extends ApiAnswer>(answer: A): A {
  const { error } = answer
  if (error) throw toJetStreamError(error.err_code ?? error.code, error.code, error.description ?? 'rejected')
  return answer
}
