import { Fault } from '@pixelflow/core/fault'

/** A worker broke the protocol with its actor, so it is killed: an exploited decoder looks like this. */
export function invalidMessage(): Fault {
  return new Fault('processing_failed', 'The image worker sent an invalid message.', {
    remedy: 'Try again; if it persists, report the request id.',
  })
}
