import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Sweeper } from '@pixelflow/core/ports/sweeper'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface SweepOptions {
  readonly leaderElection: LeaderElection
  readonly sweeper: Sweeper
  /** Pause between two sweeps, in milliseconds. */
  readonly everyMs: number
  readonly log: Logger
}

/** The first sweep waits, so that it does not slow down the start. */
const firstAfterMs = 60_000

/** Sweeps the store periodically on the elected gateway, until `signal` aborts. Never rejects. */
export function runSweeps({ leaderElection, sweeper, everyMs, log }: SweepOptions, signal: AbortSignal) {
  return leaderElection.campaign(
    'sweeper',
    async (lost) => {
      await pause(Math.min(firstAfterMs, everyMs), lost)
      while (!lost.aborted) {
        const begin = performance.now()
        try {
          const swept = await sweeper.sweep(lost)
          log.info('sweep completed', { ...swept, ms: Math.round(performance.now() - begin) })
        } catch (error) {
          if (!lost.aborted) log.warn('sweep failed', { error })
        }
        await pause(everyMs, lost)
      }
    },
    signal,
  )
}
