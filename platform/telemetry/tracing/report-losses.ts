import type { Logger } from '../logger.ts'

/** Spans that were not written or sent. */
export interface Loss {
  readonly spans: number
  readonly error?: unknown
}

const reportEveryMs = 60_000

/** Logs lost spans, at most once a minute, with the number since the last report. */
export function reportLosses(log: Logger, { target }: { readonly target: string }): (loss: Loss) => void {
  let lost = 0
  let reportedAt = Number.NEGATIVE_INFINITY
  return ({ spans, error }) => {
    lost += spans
    const now = performance.now()
    if (now - reportedAt < reportEveryMs) return
    log.warn('trace spans lost', { spans: lost, target, ...(error === undefined ? {} : { error }) })
    lost = 0
    reportedAt = now
  }
}
