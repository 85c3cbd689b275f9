import { readFileSync } from 'node:fs'
import type { BenchResults } from '@pixelflow/bench/page/bench-results'
import { renderPerformance } from '@pixelflow/bench/page/render-performance'

/** Functions that render the page of the benchmark's results and its pictures, by their path in this folder. */
export function renderPerformancePages(resultsPath: string): Record<string, () => string> {
  const rendered = renderPerformance(JSON.parse(readFileSync(resultsPath, 'utf8')) as BenchResults)
  return Object.fromEntries(Object.entries(rendered).map(([path, text]) => [path, () => text]))
}
