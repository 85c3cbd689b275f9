import { availableParallelism, cpus, totalmem } from 'node:os'
import type { BenchResults } from './bench-results.ts'

export interface MeasuredPart {
  readonly name: string
  readonly report: unknown
  readonly isQuick: boolean
  readonly otherLoad: number
}

/** Writes the report of a part into the file of results. Results of other parts stay. */
export async function saveResults(path: string, { name, ...measured }: MeasuredPart): Promise<void> {
  const file = Bun.file(path)
  const before = (await file.exists()) ? ((await file.json()) as BenchResults) : undefined
  const measuredOn = new Date().toISOString().slice(0, 10)
  const results = {
    machine: describeMachine(),
    parts: { ...before?.parts, [name]: { measuredOn, ...measured } },
  }
  await Bun.write(path, `${JSON.stringify(results, roundNumber, 2)}\n`)
}

/** Four significant digits are more than a measurement is worth, and keep the file small. */
function roundNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}

function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  return `${availableParallelism()} cores of ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Bun ${Bun.version}`
}
