/** Measures how long the phases of an attempt take. */
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
      try {
        return await work
      } finally {
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
