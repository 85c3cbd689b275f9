import { parsePosition, positionHeader } from '@pixelflow/core/position'
import { PixelflowError } from './pixelflow-error.ts'
import type { TuneListener } from './tuning.ts'

/**
 * The position of the client's last write, sent with its reads, so that a gateway that has not caught up yet does not answer
 * with an older state.
 */
export interface WritePositions {
  /** Records the position of a response. */
  record(position: string | null | undefined): void
  /** Runs a read with the newest position; without it if the server no longer knows the position. */
  read<T>(call: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

export function createWritePositions(): WritePositions {
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
        if (!isUnknown(thrown)) throw thrown
        // The server was restored from an older backup.
        if (newest === sent) newest = undefined
        return call({})
      }
    },
  }
}

/** A listener that also records the positions of a tuning session. */
export function trackPositions(positions: WritePositions, listener: TuneListener): TuneListener {
  return {
    ...listener,
    onMessage(one) {
      if (one.type === 'applied') positions.record(one.position)
      listener.onMessage(one)
    },
  }
}

/** Responses can arrive out of order. A position of another log is newer: the previous log no longer exists. */
function isNewer(position: string, before: string | undefined): boolean {
  const [one, other] = [parsePosition(position), parsePosition(before ?? '')]
  return one?.mark !== other?.mark || (one?.seq ?? 0) > (other?.seq ?? 0)
}

function isUnknown(thrown: unknown): boolean {
  return (
    thrown instanceof PixelflowError && thrown.code === 'invalid_request' && thrown.field === positionHeader
  )
}
