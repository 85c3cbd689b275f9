import { parsePosition, positionHeader } from '@pixelflow/core/position'
import { PixelflowError } from './pixelflow-error.ts'
import type { TuneListener } from './tuning.ts'

/**
 * Keeps the newest write position that the server has returned and sends it with reads, so that a gateway that has not
 * caught up with this client's writes waits instead of answering with an older state.
 */
export interface PositionTracker {
  /** Records the position of a response. */
  record(position: string | null | undefined): void
  /** Runs a read with the newest position; without it if the server no longer knows the position. */
  read<T>(call: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

export function createPositionTracker(): PositionTracker {
  let newest: string | undefined
  return {
    record(position) {
      if (position && isNewer(position, newest)) newest = position
    },
    async read(call) {
      const sent = newest
      if (sent === undefined) return call({})
      try {
        return await call({ [positionHeader]: sent })
      } catch (thrown) {
        if (!isUnknownPosition(thrown)) throw thrown
        // The server was restored from an older backup.
        if (newest === sent) newest = undefined
        return call({})
      }
    },
  }
}

/** A listener that also records the positions of a tuning session. */
export function trackPositions(positions: PositionTracker, listener: TuneListener): TuneListener {
  return {
    ...listener,
    onMessage(message) {
      if (message.type === 'applied') positions.record(message.position)
      listener.onMessage(message)
    },
  }
}

/** Responses can arrive out of order. A position of another log is newer: that log has replaced the previous one. */
function isNewer(position: string, previous: string | undefined): boolean {
  const [next, known] = [parsePosition(position), parsePosition(previous ?? '')]
  return next?.logHash !== known?.logHash || (next?.seq ?? 0) > (known?.seq ?? 0)
}

function isUnknownPosition(thrown: unknown): boolean {
  return (
    thrown instanceof PixelflowError && thrown.code === 'invalid_request' && thrown.field === positionHeader
  )
}
