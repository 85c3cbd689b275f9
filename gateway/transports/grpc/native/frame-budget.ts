/** The head of an HTTP/2 frame, as it is looked at before anything else reads it. */
export interface FrameHead {
  readonly type: number
  readonly flags: number
  /** Bytes of the payload. */
  readonly length: number
  readonly stream: number
  /** Whether the stream is open: neither ended nor reset by either side. */
  readonly isOpen: boolean
  /** Whether the frame opens the stream. */
  readonly isOpening: boolean
}

/** Counts the frames of one connection that cost the server work and carry nothing. */
export interface FrameBudget {
  /** Undefined while the client keeps within the budget, else why its connection ends. */
  take(frame: FrameHead): string | undefined
  /** A stream has ended without a reset by the client. */
  completed(): void
}

const type = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
} as const
const ackFlag = 1
const paddedFlag = 8

/**
 * MessagePool without content, all kinds together. Clients send them in proportion to what they are answered (window
 * updates, pings that measure the line) and to their calls, so both refill the budget.
 */
const control = { burst: 4000, perSecond: 1000 }
const bytesPerFrame = 64
const framesPerStream = 2
/** Settings and their acknowledgements: one at the start, a few more when a client has measured the line. */
const settings = { burst: 100, perSecond: 5 }
/** Calls that are given up before they are answered. A call that is answered makes room for another of these. */
const resets = { burst: 1000, perSecond: 100 }
/** Pings of a client that is sent nothing. Those that measure a transfer come with what is sent, and are let be. */
const pings = { burst: 100, perSecond: 1 }
/** What the answer to a ping takes on the wire. */
const pingAnswerBytes = 17
/** Less than this is not a transfer that a ping could measure. */
const leastTransfer = 1024
/** MessagePool of the headers of one call: a little more than the largest headers take that `header-block-filter.ts` reads. */
const mostHeaderFrames = 1100
/** A gRPC message has 5 bytes and its content; less than this in a frame is not worth the frame. */
const leastData = 16

/** @param written Bytes that the connection has sent so far. */
export function createFrameBudget(
  written: () => number,
  now: () => number = () => performance.now(),
): FrameBudget {
  const controls = createBucket(control, now)
  const changes = createBucket(settings, now)
  const cancels = createBucket(resets, now)
  const probes = createBucket(pings, now)
  let paidFor = 0
  let pingCount = 0
  /** Bytes sent that are not answers to pings, when they were last enough for a transfer. */
  let transferred = 0
  /** Of the headers under way. */
  let headerFrames = 0

  const takeControl = (): boolean => {
    if (controls.take()) return true
    const bytes = written()
    controls.give(Math.floor((bytes - paidFor) / bytesPerFrame))
    paidFor = bytes
    return controls.take()
  }

  const takePing = (): boolean => {
    const bytes = written() - pingAnswerBytes * pingCount
    pingCount += 1
    if (bytes >= transferred + leastTransfer) {
      transferred = bytes
      probes.give(pings.burst)
    }
    return probes.take()
  }

  return {
    take(frame) {
      if (frame.type === type.headers || frame.type === type.continuation) {
        if (frame.type === type.headers) headerFrames = 0
        headerFrames += 1
        if (headerFrames > mostHeaderFrames) return 'too many header frames'
        if (frame.isOpening) controls.give(framesPerStream)
      }
      if (frame.type === type.settings && !changes.take()) return 'too many settings'
      // The words are gRPC's: its clients ping less often when they read them.
      if (frame.type === type.ping && !(frame.flags & ackFlag) && !takePing()) return 'too_many_pings'
      if (frame.type === type.reset && frame.isOpen && !cancels.take()) return 'too many resets'
      return !hasContent(frame) && !takeControl() ? 'too many control frames' : undefined
    },
    completed: () => cancels.give(1),
  }
}

function hasContent({ type: kind, flags, length, isOpen, isOpening }: FrameHead): boolean {
  // gRPC pads nothing, and how much of a padded frame is padding stands behind its head.
  if ((kind === type.data || kind === type.headers) && flags & paddedFlag) return false
  if (kind === type.data) return isOpen && length >= leastData
  if (kind === type.headers) return isOpening
  return false
}

interface Bucket {
  take(): boolean
  give(count: number): void
}

function createBucket({ burst, perSecond }: typeof control, now: () => number): Bucket {
  let left = burst
  let countedAt = now()
  return {
    take() {
      if (left < 1) {
        const at = now()
        left = Math.min(burst, left + ((at - countedAt) / 1000) * perSecond)
        countedAt = at
        if (left < 1) return false
      }
      left -= 1
      return true
    },
    give: (count) => void (left = Math.min(burst, left + count)),
  }
}
