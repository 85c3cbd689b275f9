import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { LoadReport, LoadResult } from '../report/load-report.ts'
import { profiles, stagesOf } from '../profiles.ts'
import { scenarios } from '../scenarios.ts'
import { LoadTestError } from './load-test-error.ts'
import type { LoadRun } from './load-run.ts'
import { runK6, type K6Options } from './run-k6.ts'
import { runLoadProgram } from './run-load-program.ts'
import { toEnvironment, type RunFiles } from './to-environment.ts'

export type LoadTestOptions = Omit<K6Options, 'folder'>

/**
 * Runs a load test and reports what it measured, also when thresholds fail.
 *
 * @throws LoadTestError when it ends without a result.
 */
export async function runLoadTest(run: LoadRun, options: LoadTestOptions): Promise<LoadReport> {
  const startedAt = new Date().toISOString()
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-loadtest-'))
  try {
    const files: RunFiles = {
      image: join(folder, 'image.jpg'),
      summary: join(folder, 'summary.json'),
      ca: join(folder, 'ca.pem'),
      proto: resolve(import.meta.dir, '../../proto'),
    }
    await Bun.write(files.image, run.jpeg)
    const result =
      run.scenario === 'followers'
        ? await runFollowersProgram(run, files, options.isShown)
        : await runK6(run, files, { ...options, folder })
    const [cpu] = cpus()
    return {
      scenario: run.scenario,
      summary: scenarios[run.scenario].summary,
      profile: run.profile,
      users: run.users,
      stages: stagesOf(profiles[run.profile], run.users, run.holdS),
      imageBytes: run.jpeg.length,
      // Followers create no task with a recipe of the run.
      ...(run.scenario === 'followers' ? {} : { recipe: run.recipe }),
      startedAt,
      server: { url: run.server.url, version: run.server.version },
      client: { cores: cpus().length, cpu: cpu?.model ?? 'unknown' },
      isPassed: result.thresholds.every(({ isPassed }) => isPassed),
      ...result,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs the followers in a process of their own, because Bun reads its limit of connections at the start. */
async function runFollowersProgram(run: LoadRun, files: RunFiles, isShown: boolean): Promise<LoadResult> {
  const command = [process.execPath, '--no-env-file', join(import.meta.dir, '../followers/main.ts')]
  const { code, output } = await runLoadProgram(command, {
    env: { ...toEnvironment(run, files), BUN_CONFIG_MAX_HTTP_REQUESTS: '65535' },
    signal: run.signal,
    isShown,
  })
  const summary = Bun.file(files.summary)
  if (code !== 0 || !(await summary.exists()))
    throw new LoadTestError(`The followers ended with code ${code} and without a result.`, output)
  return (await summary.json()) as LoadResult
}
