/** The result of one run of `bun test`. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
}

/**
 * Reads the counts of a JUnit report; null when it is not one. A skipped test counts as failed.
 */
export function readJunitReport(xml: string): TestCounts | null {
  const totals = /<testsuites\b[^>]*>/.exec(xml)?.[0]
  if (totals === undefined) return null
  const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? Number.NaN)
  const [tests, failures, skipped] = [number('tests'), number('failures'), number('skipped')]
  if (Number.isNaN(tests) || Number.isNaN(failures) || Number.isNaN(skipped)) return null
  return { passed: tests - failures - skipped, failed: failures + skipped }
}
