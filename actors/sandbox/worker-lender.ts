import type { Worker } from './worker.ts'

/** Gives workers without work to another sandbox. */
export interface WorkerLender {
  /** Whether a worker is without work, or will be in a moment. */
  readonly canLend: boolean
  /** Gives a worker away for good; undefined when none is without work. */
  lend(): Worker | undefined
  /** Calls back when work has taken a worker. */
  onTaken(callback: () => void): void
}
