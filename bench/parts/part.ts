import type { GatewayProcess, Stack } from '@pixelflow/testkit/stack'
import type { Running } from '@pixelflow/testkit/process'
import type { BenchOptions } from '../options.ts'

/** What the parts of the benchmark share: one stack of one gateway and one actor, and where to write. */
export interface Bench {
  readonly options: BenchOptions
  readonly stack: Stack
  readonly gateway: GatewayProcess
  readonly actor: Running
  /** For people; silent when a program reads the report. */
  say(text: string): void
}

/** One part: measures, says what it found, and answers with its fields of the report. */
export type Part = (bench: Bench) => Promise<Readonly<Record<string, unknown>>>
