import { join } from 'node:path'
import type { LoadResult } from '../report/load-report.ts'
import { parseK6Record } from '../report/parse-k6-record.ts'
import { parseK6Summary, type K6Summary } from '../report/parse-k6-summary.ts'
import { LoadTestError } from './load-test-error.ts'
import type { LoadRun } from './load-run.ts'
import { runLoadProgram } from './run-load-program.ts'
import { toEnvironment, type RunFiles } from './to-environment.ts'

export interface K6Options {
  /** Path of the program; undefined for a scenario without k6. */
  readonly k6: string | undefined
  /** Further options for `k6 run`. */
  readonly k6Options: readonly string[]
  /** Whether its progress is displayed. */
  readonly isShown: boolean
  /** A folder for temporary files. */
  readonly folder: string
}

/**
 * Runs a script of `k6/scripts/`.
 *
 * @throws LoadTestError when k6 ends without a summary, for example because the script failed before its first round.
 */
export async function runK6(run: LoadRun, files: RunFiles, options: K6Options): Promise<LoadResult> {
  const { k6, k6Options, isShown, folder } = options
  const record = join(folder, 'record.ndjson')
  // Without a port the dashboard serves nothing, and only writes its record. No metric has the tag `-`.
  const dashboard = `web-dashboard=port=-1&period=1s&tag=-&record=${record}`
  const script = join(import.meta.dir, '../k6/scripts', `${run.scenario}.ts`)
  if (k6 === undefined) throw new Error(`The scenario ${run.scenario} needs k6.`)
  const command = [k6, 'run', '--no-usage-report', '--out', dashboard, ...k6Options, script]
  const { ca } = run.server.certificates ?? {}
  if (ca !== undefined) await Bun.write(files.ca, ca)
  const { code, output } = await runLoadProgram(command, {
    // k6 has no option for an authority, but Go reads this variable on Linux.
    env: { ...toEnvironment(run, files), ...(ca === undefined ? {} : { SSL_CERT_FILE: files.ca }) },
    signal: run.signal,
    isShown,
  })
  const summary = Bun.file(files.summary)
  if (!(await summary.exists()))
    throw new LoadTestError(`k6 ended with code ${code} and without a summary.`, output)
  const result = parseK6Summary((await summary.json()) as K6Summary)
  return { ...result, series: parseK6Record(await Bun.file(record).text()) }
}
