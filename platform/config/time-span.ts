import { printIn, type Measure } from './number-with-unit.ts'

const printedUnits = { d: 86_400e3, h: 3600e3, m: 60e3, s: 1e3, ms: 1 }

/** A span of time in milliseconds: `250ms`, `90s`, `1.5h`, `7d`, or a plain number. */
export const timeSpan: Measure = {
  noun: 'a duration',
  examples: '250ms, 90s, 5m, 12h or 7d',
  units: { '': 1, ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 },
  print: printDuration,
}

/** A duration in the largest unit that divides it, e.g. `7d`, `90s`. */
export function printDuration(valueMs: number): string {
  return valueMs === 0 ? '0ms' : printIn(printedUnits, valueMs)
}
