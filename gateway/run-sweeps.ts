import { pause } from '@pixelflow/core/pause'
import type { Elections } from '@pixelflow/core/ports/leader-election'
import type { Sweeper } from '@pixelflow/core/ports/sweeper'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface Sweeping {
  readonly elections: Elections
  readonly sweeper: Sweeper
  /** Pause between two sweeps, in milliseconds. */
  readonly everyMs: number
  readonly log: Logger
}

/** A gateway that has just started has better things to do. */
const firstAfterMs = 60_000

/** Sweeps now and then, on one of all gateways, until `signal` aborts. Never rejects. */
export function runSweeps({ elections, sweeper, everyMs, log }: Sweeping, signal: AbortSignal) {
  return elections.stand(
    'sweeper',
    async (deposed) => {
      await pause(Math.min(firstAfterMs, everyMs), deposed)
      while (!deposed.aborted) {
        const begin = performance.now()
        try {
          const swept = await sweeper.sweep(deposed)
          log.info('swept', { ...swept, ms: Math.round(performance.now() - begin) })
        } catch (error) {
          if (!deposed.aborted) log.warn('sweep broken off', { error })
        }
        await pause(everyMs, deposed)
      }
    },
    signal,
  )
}
