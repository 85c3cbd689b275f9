import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJunitReport, type TestCounts } from './junit-report.ts'
import type { TestFile } from './suites.ts'

export interface TestFileResult extends TestCounts {
  readonly file: TestFile
  readonly tookMs: number
  /** Standard error and standard output, which contain the reasons of failures. */
  readonly output: string
  /** The problem of the run as a whole, if there is one. */
  readonly problem?: string
}

export interface TestRunOptions {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** Time limit of a test without its own; the machine may run other tests at the same time. */
const testTimeoutMs = 30_000
const maxOutputLength = 2 * 1024 * 1024

/** Runs the tests of one file in its own process group, and kills the group afterwards. */
export async function runTestFile(
  file: TestFile,
  { root, env, signal }: TestRunOptions,
): Promise<TestFileResult> {
  const started = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-test-'))
  const report = join(folder, 'report.xml')
  const child = Bun.spawn(
    [
      process.execPath,
      'test',
      `./${file.path}`,
      `--timeout=${testTimeoutMs}`,
      '--reporter=junit',
      `--reporter-outfile=${report}`,
    ],
    { cwd: root, env: { ...env }, detached: true, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  const kill = () => killGroup(child.pid)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill()
  }, file.suite.fileTimeoutS * 1000)
  signal.addEventListener('abort', kill)
  try {
    // The error stream has the readable report, so it comes first.
    const written = Promise.all([read(child.stderr), read(child.stdout)])
    const code = await child.exited
    kill()
    const [errors, out] = await Promise.race([written, Bun.sleep(2000).then(() => ['', ''] as const)])
    const counts = readJunitReport(
      await Bun.file(report)
        .text()
        .catch(() => ''),
    )
    const processEnd = isLate
      ? `took longer than ${file.suite.fileTimeoutS} s`
      : endOf(child.signalCode?.toString(), code)
    const problem = counts === null || isLate ? processEnd : findProblem(counts, code)
    const outcome =
      problem === undefined
        ? (counts ?? none)
        : { passed: counts?.passed ?? 0, failed: (counts?.failed ?? 0) + 1 }
    return {
      file,
      ...outcome,
      tookMs: performance.now() - started,
      output: `${errors}${out}`,
      ...(problem === undefined ? {} : { problem }),
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
    await rm(folder, { recursive: true, force: true })
  }
}

const none: TestCounts = { passed: 0, failed: 0 }

function endOf(signalName: string | undefined, code: number): string {
  return signalName === undefined
    ? `exited without a report (exit code ${code})`
    : `was killed by ${signalName}`
}

/** A problem that the report does not contain: an error outside of any test, or no test at all. */
function findProblem({ passed, failed }: TestCounts, code: number): string | undefined {
  if (code !== 0 && failed === 0)
    return `exit code ${code} although no test failed: an error outside of the tests`
  return passed + failed === 0 ? 'has no test' : undefined
}

async function read(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stream)
    text = (text + decoder.decode(chunk, { stream: true })).slice(-maxOutputLength)
  return text
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is empty already.
  }
}
