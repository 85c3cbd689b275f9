import type { GatewayProcess, Stack } from '@pixelflow/testkit/stack'
import type { RunningProcess } from '@pixelflow/testkit/process'
import type { BenchOptions } from '../options.ts'

/** What the parts of the benchmark share: one stack with one gateway and one actor, and the output. */
export interface Bench {
  readonly options: BenchOptions
  readonly stack: Stack
  readonly gateway: GatewayProcess
  readonly actor: RunningProcess
  /** Prints text for people; does nothing with `--json`. */
  print(text: string): void
}

/** One part of the benchmark: measures, prints the results, and returns its fields of the report. */
export type Part = (bench: Bench) => Promise<Readonly<Record<string, unknown>>>
