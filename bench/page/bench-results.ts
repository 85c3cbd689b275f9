import type { TaskBudget } from '../budget/task-budget.ts'
import type { EventDelivery } from '../followers/measure-delivery.ts'
import type { IdleReport } from '../footprint/measure-idle.ts'
import type { LoadMemoryReport } from '../footprint/measure-load-memory.ts'
import type { ReadsReport } from '../reads/measure-reads.ts'
import type { Curve } from '../scale/curve.ts'
import type { WorkReport } from '../works/works-report.ts'

/** What the parts of the benchmark return, as far as the page of results has it. */
export interface PartReports {
  readonly works: {
    readonly works: Readonly<Record<string, WorkReport>>
    /** CPU of all servers for a task of 1 kB ÷ CPU of a plain pass over 12 megapixels. */
    readonly smallTaskToLargePass?: number
  }
  readonly budget: { readonly budget: Readonly<Record<string, TaskBudget>> }
  readonly footprint: {
    readonly footprint: {
      readonly start: { readonly readyMs: number; readonly firstResultMs: number }
      readonly idle: IdleReport
      readonly load: LoadMemoryReport
    }
  }
  readonly process: { readonly processIdleLaterMs: number; readonly processToPlainSharp: number }
  readonly transfer: {
    readonly transfer: { readonly uploadToPlainPut: number; readonly downloadToPlainGet: number }
  }
  readonly reads: { readonly reads: ReadsReport }
  readonly followers: {
    readonly followers: { readonly ownTasks: EventDelivery; readonly oneTask: EventDelivery }
  }
  readonly scale: { readonly scale: readonly Curve[] }
}

/** The file of results: for each part its latest report. */
export interface BenchResults {
  readonly machine: string
  readonly parts: { readonly [Name in keyof PartReports]?: PartResult<PartReports[Name]> }
}

export interface PartResult<Report> {
  /** Day of the measurement. */
  readonly measuredOn: string
  /** Whether fewer tasks were run than a result needs. */
  readonly isQuick: boolean
  /** Cores that other programs used when the part began. */
  readonly otherLoad: number
  readonly report: Report
}
