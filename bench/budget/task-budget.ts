import type { Traffic } from '../broker/open-traffic-reader.ts'
import type { CallCounts } from '../preload/call-counts.ts'
import type { FileTraffic } from './read-file-bytes.ts'
import type { StageDuration } from './measure-stages.ts'

/** What one task costs. */
export interface TaskBudget {
  readonly title: string
  readonly sourceBytes: number
  /** By process: gateway, actor, workers, nats-server. */
  readonly processes: Readonly<Record<string, ProcessBudget>>
  readonly stages: readonly StageDuration[]
}

/** What one process does for a task. Absent fields do not apply to it, or could not be counted. */
export interface ProcessBudget {
  readonly cpuMs: number
  /** Between the process and the broker; `In` is into the broker. */
  readonly traffic?: Traffic
  readonly fileBytes?: FileTraffic
  readonly calls?: Omit<CallCounts, 'at'>
  /** By kind; see `groupSystemCalls`. */
  readonly systemCalls?: Readonly<Record<string, number>>
}
