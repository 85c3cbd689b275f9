import type { Check } from './checks.ts'

export interface CheckResult {
  readonly check: Check
  readonly ok: boolean
  readonly tookMs: number
  /** The last MiB of standard output and standard error. */
  readonly output: string
}

export interface CheckOptions {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** The first run of a check may build its tools. */
const checkTimeoutMs = 30 * 60_000
const maxOutputLength = 1024 * 1024

export async function runCheck(check: Check, { root, env, signal }: CheckOptions): Promise<CheckResult> {
  const started = performance.now()
  const { code, output } = await run(check.command, root, env, signal)
  return { check, ok: code === 0, tookMs: performance.now() - started, output }
}

/** Runs the fix of a check. Ignores its output, because the check fails if the fix fails. */
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
    timeout: checkTimeoutMs,
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, output: `${out}${errors}`.slice(-maxOutputLength).trimEnd() }
}
