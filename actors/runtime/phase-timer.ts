/** Where the time of one attempt went. */
export interface Stopwatch {
  /** Adds the time a promise takes to a stage. */
  time<T>(stage: string, work: Promise<T>): Promise<T>
  /** Adds milliseconds measured elsewhere to a stage. */
  spent(stage: string, ms: number): void
  /** Milliseconds by stage, and `total` since the beginning; stages may overlap. */
  spentMs(): Record<string, number>
}

/** @param now reads a clock, in milliseconds. */
export function stopwatch(now: () => number = () => performance.now()): Stopwatch {
  const began = now()
  const stages = new Map<string, number>()
  const spent = (stage: string, ms: number) => void stages.set(stage, (stages.get(stage) ?? 0) + ms)
  return {
    async time(stage, work) {
      const from = now()
      try {
        return await work
      } finally {
        spent(stage, now() - from)
      }
    },
    spent,
    spentMs() {
      const all = [...stages, ['total', now() - began] as const]
      return Object.fromEntries(all.map(([stage, ms]) => [stage, Math.round(ms * 10) / 10]))
    },
  }
}
