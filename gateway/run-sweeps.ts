import { pause } from '@pixelflow/core/pause'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Sweeper } from '@pixelflow/core/ports/sweeper'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface Sweeping {
  readonly leaderElection: LeaderElection
  readonly sweeper: Sweeper
  /** Pause between two sweeps, in milliseconds. */
  readonly everyMs: number
  readonly log: Logger
}

/** A gateway that has just started has better things to do. */
const firstAfterMs = 60_000

/** Sweeps now and then, on one of all gateways, until `signal` aborts. Never rejects. */
export function runSweeps({ leaderElection, sweeper, everyMs, log }: Sweeping, signal: AbortSignal) {
  return leaderElection.campaign(
    'sweeper',
    async (lost) => {
      await pause(Math.min(firstAfterMs, everyMs), lost)
      while (!lost.aborted) {
        const begin = performance.now()
        try {
          const swept = await sweeper.sweep(lost)
          log.info('swept', { ...swept, ms: Math.round(performance.now() - begin) })
        } catch (error) {
          if (!lost.aborted) log.warn('sweep broken off', { error })
        }
        await pause(everyMs, lost)
      }
    },
    signal,
  )
}
