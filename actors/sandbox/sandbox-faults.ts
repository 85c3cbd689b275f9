import { Fault } from '@pixelflow/core/fault'

/** The faults of a sandbox. */
export const sandboxFaults = {
  stopping(): Fault {
    return new Fault('unavailable', 'This actor is shutting down.', {
      remedy: 'Try again.',
      retryAfterMs: 100,
    })
  },

  cannotStart(cause: unknown): Fault {
    return new Fault('unavailable', 'This actor cannot start image worker processes.', {
      remedy: 'Try again later. Operators find the reason in the log of the actor.',
      cause,
    })
  },

  circuitOpen(retryAfterMs: number): Fault {
    return new Fault('unavailable', 'Too many image worker processes of this actor have crashed.', {
      remedy: 'Try again later. Operators find the reason in the log of the actor.',
      retryAfterMs,
    })
  },

  killedFromOutside(cause: string): Fault {
    return new Fault('actor_lost', 'The process that worked on this image was killed.', {
      remedy: 'Try again.',
      cause,
    })
  },

  crashedTwice(cause: string): Fault {
    return new Fault('processing_failed', 'The decoder crashed twice on this image.', {
      remedy: 'Save the image again with another program and retry.',
      cause,
    })
  },
}
