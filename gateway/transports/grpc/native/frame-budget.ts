/** The header of an HTTP/2 frame, with the state of its stream. */
export interface FrameHead {
  readonly type: number
  readonly flags: number
  /** Length of the payload in bytes. */
  readonly length: number
  readonly stream: number
  /** Whether the stream is open: neither ended nor reset by either side. */
  readonly isOpen: boolean
  /** Whether the frame opens the stream. */
  readonly isOpening: boolean
}

/** Limits the frames of one connection that cost the server work without carrying content. */
export interface FrameBudget {
  /** Returns undefined while the client stays within the budget, otherwise the reason to end its connection. */
  take(frame: FrameHead): string | undefined
  /** A stream ended without a reset by the client. */
  countCompleted(): void
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
 * All frames without content. Clients send them in proportion to the bytes they receive (window updates, pings that
 * measure bandwidth) and to their calls, so both refill this budget.
 */
const controlPolicy = { burst: 4000, perSecond: 1000 }
const bytesPerFrame = 64
const framesPerStream = 2
/** SETTINGS and their acknowledgements: one at the start, a few more when a client adapts its window to the bandwidth. */
const settingsPolicy = { burst: 100, perSecond: 5 }
/** Calls that the client resets before they are answered. Each call that completes refills this budget by one. */
const resetPolicy = { burst: 1000, perSecond: 100 }
/** Pings of a client that receives nothing. Pings that measure a transfer follow sent bytes, which refill this budget. */
const pingPolicy = { burst: 100, perSecond: 1 }
/** Size of a PING acknowledgement on the wire. */
const pingAckBytes = 17
/** A smaller transfer is too short for a ping to measure. */
const minTransferBytes = 1024
/** Frames of one header block: a little more than the largest block that `header-block-filter.ts` reads. */
const maxHeaderFrames = 1100
/** A smaller DATA frame counts as a frame without content. A gRPC message has a prefix of 5 bytes. */
const minDataBytes = 16

/** @param written returns the bytes that the server has sent on the connection */
export function createFrameBudget(
  written: () => number,
  now: () => number = () => performance.now(),
): FrameBudget {
  const controlBucket = createBucket(controlPolicy, now)
  const settingsBucket = createBucket(settingsPolicy, now)
  const resetBucket = createBucket(resetPolicy, now)
  const pingBucket = createBucket(pingPolicy, now)
  /** Sent bytes that have refilled the control budget. */
  let creditedBytes = 0
  let pingCount = 0
  /** Sent bytes, without PING acknowledgements, when the ping budget was last refilled. */
  let transferred = 0
  /** Frames of the current header block. */
  let headerFrames = 0

  const takeControl = (): boolean => {
    if (controlBucket.take()) return true
    const bytes = written()
    controlBucket.give(Math.floor((bytes - creditedBytes) / bytesPerFrame))
    creditedBytes = bytes
    return controlBucket.take()
  }

  const takePing = (): boolean => {
    const bytes = written() - pingAckBytes * pingCount
    pingCount += 1
    if (bytes >= transferred + minTransferBytes) {
      transferred = bytes
      pingBucket.give(pingPolicy.burst)
    }
    return pingBucket.take()
  }

  return {
    take(frame) {
      if (frame.type === type.headers || frame.type === type.continuation) {
        if (frame.type === type.headers) headerFrames = 0
        headerFrames += 1
        if (headerFrames > maxHeaderFrames) return 'too many header frames'
        if (frame.isOpening) controlBucket.give(framesPerStream)
      }
      if (frame.type === type.settings && !settingsBucket.take()) return 'too many settings'
      // gRPC clients know this text: they double their keepalive interval when they receive it in GOAWAY.
      if (frame.type === type.ping && !(frame.flags & ackFlag) && !takePing()) return 'too_many_pings'
      if (frame.type === type.reset && frame.isOpen && !resetBucket.take()) return 'too many resets'
      return !hasContent(frame) && !takeControl() ? 'too many control frames' : undefined
    },
    countCompleted: () => resetBucket.give(1),
  }
}

function hasContent({ type: kind, flags, length, isOpen, isOpening }: FrameHead): boolean {
  // gRPC uses no padding, and the frame header does not show how much of a padded frame is content.
  if ((kind === type.data || kind === type.headers) && flags & paddedFlag) return false
  if (kind === type.data) return isOpen && length >= minDataBytes
  if (kind === type.headers) return isOpening
  return false
}

interface Bucket {
  take(): boolean
  give(count: number): void
}

function createBucket({ burst, perSecond }: typeof controlPolicy, now: () => number): Bucket {
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
