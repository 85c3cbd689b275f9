import { parsePosition, positionHeader } from '@pixelflow/core/position'
import { PixelflowError } from './pixelflow-error.ts'
import type { TuneListener } from './tuning.ts'

/**
 * How far a client's own calls have written, for its reads to be answered by gateways that know of it: each may reach
 * another one.
 */
export interface WritePositions {
  /** What an answer has brought. */
  heard(position: string | null | undefined): void
  /** Makes a read with the newest position; without one where the server knows nothing of it any more. */
  read<T>(call: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

export function createWritePositions(): WritePositions {
  let newest: string | undefined
  return {
    heard(position) {
      if (position && isNewer(position, newest)) newest = position
    },
    async read(call) {
      const sent = newest
      if (sent === undefined) return call({})
      try {
        return await call({ [positionHeader]: sent })
      } catch (thrown) {
        if (!isUnknown(thrown)) throw thrown
        // The server was set back, to a copy of before perhaps.
        if (newest === sent) newest = undefined
        return call({})
      }
    },
  }
}

/** Has them hear what a session tells, too. */
export function trackPositions(positions: WritePositions, ear: TuneListener): TuneListener {
  return {
    ...ear,
    heard(one) {
      if (one.type === 'applied') positions.heard(one.position)
      ear.heard(one)
    },
  }
}

/** Answers may come in another order than they were given in. That of another log follows a log that is no more. */
function isNewer(position: string, before: string | undefined): boolean {
  const [one, other] = [parsePosition(position), parsePosition(before ?? '')]
  return one?.mark !== other?.mark || (one?.seq ?? 0) > (other?.seq ?? 0)
}

function isUnknown(thrown: unknown): boolean {
  return (
    thrown instanceof PixelflowError && thrown.code === 'invalid_request' && thrown.field === positionHeader
  )
}
