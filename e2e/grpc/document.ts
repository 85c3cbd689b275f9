import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dir, '../..')

/** Those who run scenarios, as the document names them. */
export const programs = ['Python', 'Go', 'grpcurl'] as const
export type Program = (typeof programs)[number]

/** A row of `clients/scenarios.md`. */
export interface Promised {
  readonly number: number
  readonly scenario: string
  /** What is sent, in words. */
  readonly sent: string
  readonly runBy: readonly string[]
}

/** Every row of the document, in its order. */
export async function readDocument(): Promise<Promised[]> {
  const text = await Bun.file(join(root, 'clients/scenarios.md')).text()
  return text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, number = '']) => /^\d+$/.test(number))
    .map((cells) => ({
      number: Number(cells[1]),
      scenario: cells[2] ?? '',
      sent: cells[3] ?? '',
      runBy: (cells[5] ?? '').split(', '),
    }))
}
