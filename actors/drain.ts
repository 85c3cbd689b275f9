import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { HostedKind } from './composition/serve-sessions.ts'
import type { Runtime } from './runtime/runtime.ts'

export interface DrainOptions {
  readonly runtimes: readonly Runtime[]
  readonly hosted: readonly HostedKind[]
  /** Time for everything, in milliseconds; then the process exits. */
  readonly timeoutMs: number
  readonly log: Logger
}

/** Part of the timeout that is kept for releasing unfinished jobs and closing connections, in milliseconds. */
const closeMs = 1500

/** Finishes or releases what is held, then calls `close`. Exits the process when both take longer than the timeout. */
export async function drain(options: DrainOptions, close: () => Promise<void>): Promise<void> {
  const { runtimes, hosted, timeoutMs, log } = options
  const exit = () => {
    const all = [...runtimes, ...hosted.map(({ sessions }) => sessions)]
    log.warn('drain timed out; exiting', { held: all.reduce((sum, { held }) => sum + held, 0) })
    process.exit(0)
  }
  const timer = setTimeout(exit, Math.max(timeoutMs, closeMs))
  const drainMs = Math.max(0, timeoutMs - closeMs)
  await Promise.all([
    ...runtimes.map((runtime) => runtime.drain(drainMs)),
    ...hosted.map(({ finishesOnDrain, sessions }) => sessions.drain(finishesOnDrain ? drainMs : 0)),
  ])
  await close()
  clearTimeout(timer)
}
