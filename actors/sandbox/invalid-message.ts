import { Fault } from '@pixelflow/core/fault'

/** A child broke the protocol between it and its actor: it is not trusted any more. */
export function invalidMessage(): Fault {
  return new Fault('processing_failed', 'The image worker sent an invalid message.', {
    remedy: 'Try again; if it persists, report the request id.',
  })
}
