import { settings } from './settings.ts'

/** k6 calls it at the end, because scripts export it as `handleSummary`. */
export function writeSummary(summary: unknown): Record<string, string> {
  return { [settings.summaryFile]: JSON.stringify(summary) }
}
