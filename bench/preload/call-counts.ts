import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@pixelflow/testkit/wait-for'

/** Calls of one process since its start. */
export interface CallCounts {
  /** `JSON.parse` and `JSON.stringify`. */
  readonly jsonCalls: number
  readonly jsonCharacters: number
  /** Values that zod has checked. */
  readonly schemaParses: number
  /** `setTimeout` and `setInterval`. */
  readonly timers: number
  readonly hashUpdates: number
  readonly hashedBytes: number
  /** When they were written, in milliseconds since 1970. */
  readonly at: number
}

/** Reads the counts of all processes by role, once they have been written after this call. */
export async function readCallCounts(folder: string): Promise<Record<string, CallCounts>> {
  const from = Date.now()
  const files = await waitFor(
    'counts written by all processes',
    () => readFiles(folder),
    (all) => all.length > 0 && all.every(({ counts }) => counts.at > from),
    { timeoutMs: 20_000 },
  )
  const sums: Record<string, CallCounts> = {}
  for (const { role, counts } of files) {
    const before = sums[role]
    sums[role] = before === undefined ? counts : combineCounts(before, counts, (one, other) => one + other)
  }
  return sums
}

/** Applies a function to each count of two processes or times. */
export function combineCounts(
  one: CallCounts,
  other: CallCounts,
  combine: (one: number, other: number) => number,
): CallCounts {
  const names = Object.keys(one) as (keyof CallCounts)[]
  return Object.fromEntries(
    names.map((name) => [name, combine(one[name], other[name])]),
  ) as unknown as CallCounts
}

async function readFiles(folder: string): Promise<{ role: string; counts: CallCounts }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  return Promise.all(
    names.map(async (name) => ({
      role: name.slice(0, name.lastIndexOf('-')),
      counts: (await Bun.file(join(folder, name)).json()) as CallCounts,
    })),
  )
}
