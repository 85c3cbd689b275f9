import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dir, '../..')

/** The programs that run scenarios, as the table names them. */
export const programs = ['Python', 'Go', 'grpcurl'] as const
export type Program = (typeof programs)[number]

/** A row of `clients/scenarios.md`. */
export interface ScenarioRow {
  readonly number: number
  readonly scenario: string
  /** What the client sends, in words. */
  readonly sent: string
  readonly runBy: readonly string[]
}

/** Reads every row of the scenario table, in order. */
export async function readScenarioTable(): Promise<ScenarioRow[]> {
  const text = await Bun.file(join(root, 'clients/scenarios.md')).text()
  return text
    .split('\n')
    .map((line) => line.split('|').map((column) => column.trim()))
    .filter(([, number = '']) => /^\d+$/.test(number))
    .map(([, number, scenario = '', sent = '', , runBy = '']) => ({
      number: Number(number),
      scenario,
      sent,
      runBy: runBy.split(', '),
    }))
}
