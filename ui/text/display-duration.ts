import { formatDuration } from '@pixelflow/core/format-duration'
import { noBreakSpace } from './no-break-space.ts'

/** A duration in milliseconds: `84 ms`, `1.3 s`, `2 min 5 s`. */
export function displayDuration(ms: number): string {
  return formatDuration(ms, noBreakSpace)
}
