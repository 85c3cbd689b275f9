import { noSpan } from '@pixelflow/platform/telemetry/tracing/span'
import { currentSpan, startSpan } from '@pixelflow/platform/telemetry/tracing/tracing'

/** What a phase is called in traces. */
const spanNames: Readonly<Record<string, string>> = {
  history: 'read event log',
  lookup: 'read image record',
  fetch: 'fetch source',
  store: 'store output',
  report: 'finish events',
}

/** Measures how long the phases of an attempt take, and records each as a span. */
export interface PhaseTimer {
  /** Adds the duration of a promise to a phase. */
  time<T>(phase: string, work: Promise<T>): Promise<T>
  /** Adds measured milliseconds to a phase. */
  addTime(phase: string, ms: number): void
  /** Milliseconds by phase, and `total` since the start. Phases may overlap. */
  totals(): Record<string, number>
}

/** @param now a monotonic clock, in milliseconds. */
export function startPhaseTimer(now: () => number = () => performance.now()): PhaseTimer {
  const startedAt = now()
  const phases = new Map<string, number>()
  const addTime = (phase: string, ms: number) => void phases.set(phase, (phases.get(phase) ?? 0) + ms)
  return {
    async time(phase, work) {
      const from = now()
      const span = currentSpan() === undefined ? noSpan : startSpan(spanNames[phase] ?? phase)
      try {
        return await work
      } catch (error) {
        span.fail(error)
        throw error
      } finally {
        span.end()
        addTime(phase, now() - from)
      }
    },
    addTime,
    totals() {
      const all = [...phases, ['total', now() - startedAt] as const]
      return Object.fromEntries(all.map(([phase, ms]) => [phase, Math.round(ms * 10) / 10]))
    },
  }
}
