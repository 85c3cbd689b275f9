import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJunitReport, type TestCounts } from './junit-report.ts'
import type { TestFile } from './suites.ts'

export interface TestFileResult extends TestCounts {
  readonly file: TestFile
  readonly tookMs: number
  /** Everything it wrote; for those who want to know why it failed. */
  readonly output: string
  /** What happened to the run as a whole, when no single test is to blame. */
  readonly trouble?: string
}

export interface TestRunOptions {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** A test that names no time of its own may take this long; the machine may be busy with others. */
const testTimeoutMs = 30_000
const longestOutput = 2 * 1024 * 1024

/** Runs the tests of one file in a process, and process group, of its own; nothing of it is left afterwards. */
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
  const end = () => killGroup(child.pid)
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, file.suite.fileTimeoutS * 1000)
  signal.addEventListener('abort', end)
  try {
    // The error stream has the readable report, so it comes first.
    const written = Promise.all([read(child.stderr), read(child.stdout)])
    const code = await child.exited
    end()
    const [errors, out] = await Promise.race([written, Bun.sleep(2000).then(() => ['', ''] as const)])
    const told = readJunitReport(
      await Bun.file(report)
        .text()
        .catch(() => ''),
    )
    const how = late
      ? `took longer than ${file.suite.fileTimeoutS} s`
      : endOf(child.signalCode?.toString(), code)
    const trouble = told === null || late ? how : troubleOf(told, code)
    const outcome =
      trouble === undefined ? (told ?? none) : { passed: told?.passed ?? 0, failed: (told?.failed ?? 0) + 1 }
    return {
      file,
      ...outcome,
      tookMs: performance.now() - started,
      output: `${errors}${out}`,
      ...(trouble === undefined ? {} : { trouble }),
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    await rm(folder, { recursive: true, force: true })
  }
}

const none: TestCounts = { passed: 0, failed: 0 }

function endOf(signalName: string | undefined, code: number): string {
  return signalName === undefined
    ? `ended without a report (exit code ${code})`
    : `was ended by ${signalName}`
}

/** What a complete report does not say: an error outside of any test, or that there was none. */
function troubleOf({ passed, failed }: TestCounts, code: number): string | undefined {
  if (code !== 0 && failed === 0)
    return `exit code ${code} although no test failed: an error outside of the tests`
  return passed + failed === 0 ? 'has no test' : undefined
}

async function read(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stream)
    text = (text + decoder.decode(chunk, { stream: true })).slice(-longestOutput)
  return text
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is empty already.
  }
}
