import type { GatewayProcess, Stack } from '@pixelflow/testkit/stack'
import type { RunningProcess } from '@pixelflow/testkit/process'
import type { BenchOptions } from '../options.ts'

/** What the parts of the benchmark share. */
export interface Bench {
  readonly options: BenchOptions
  /** The stack that parts share; it is started when a part first needs it. */
  openStack(): Promise<SharedStack>
  /** Prints text for people; does nothing with `--json`. */
  print(text: string): void
}

/** One stack with one gateway and one actor. */
export interface SharedStack {
  readonly stack: Stack
  readonly gateway: GatewayProcess
  readonly actor: RunningProcess
}

/** One part of the benchmark: measures, prints the results, and returns its fields of the report. */
export type Part = (bench: Bench) => Promise<Readonly<Record<string, unknown>>>
