import { noBreakSpace } from './no-break-space.ts'

/** A fraction as a percentage that is never rounded up to 100 %: `72 %`, `99.6 %`. */
export function displayPercent(part: number, whole: number): string {
  const percent = (part / whole) * 100
  if (percent <= 99 || percent >= 100) return `${Math.round(percent)}${noBreakSpace}%`
  return `${(Math.floor(percent * 10) / 10).toFixed(1)}${noBreakSpace}%`
}
