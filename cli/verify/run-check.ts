import type { Check } from './checks.ts'

export interface CheckResult {
  readonly check: Check
  readonly ok: boolean
  readonly tookMs: number
  /** What it wrote, both streams, as far as the last MiB. */
  readonly output: string
}

export interface CheckOptions {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** Half an hour: the first run of a gate may have to build its tools. */
const longestMs = 30 * 60_000
const longestOutput = 1024 * 1024

export async function runCheck(check: Check, { root, env, signal }: CheckOptions): Promise<CheckResult> {
  const started = performance.now()
  const { code, output } = await run(check.command, root, env, signal)
  return { check, ok: code === 0, tookMs: performance.now() - started, output }
}

/** Runs the fix of a check. Its output is not kept: where it fails, the check fails too. */
export async function fixCheck(check: Check, { root, env, signal }: CheckOptions): Promise<void> {
  if (check.write) await run(check.write, root, env, signal)
}

async function run(
  command: readonly string[],
  cwd: string,
  env: CheckOptions['env'],
  signal: AbortSignal,
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    signal,
    timeout: longestMs,
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, output: `${out}${errors}`.slice(-longestOutput).trimEnd() }
}
