import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'

const firstPauseMs = 50
const longestPauseMs = 1000

/** How long a broker may be away before what waits for it gives up, in milliseconds: time enough for a restart. */
export const patienceMs = 30_000

export interface Patience {
  readonly limitMs?: number
  /** Nothing is repeated once it aborts. */
  readonly signal?: AbortSignal
}

/**
 * Repeats what fails for reasons of the surroundings, for a limited time. Only for what may be done twice.
 * @throws Fault the last one, or the first that another try cannot mend.
 */
export async function persist<T>(what: () => Promise<T>, patience: Patience = {}): Promise<T> {
  const { limitMs = patienceMs, signal } = patience
  const end = performance.now() + limitMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await what()
    } catch (thrown) {
      const fault = Fault.of(thrown)
      if (fault.row.settle !== 'nak' || signal?.aborted || performance.now() + pauseMs > end) throw fault
      await (signal === undefined ? Bun.sleep(pauseMs) : pause(pauseMs, signal))
    }
  }
}
