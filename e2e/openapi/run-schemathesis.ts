import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { prepareSchemathesis } from '@pixelflow/cli/tools/schemathesis'
import { startFuzzTarget } from './fuzz-target.ts'
import { prepareFolder } from './prepare-folder.ts'

export interface FuzzOptions {
  /** Requests that are generated for each operation, in each phase that generates any; at least 1. */
  readonly examples: number
  /** Equal seeds generate equal requests, except for ids. */
  readonly seed: number
  readonly say: (text: string) => void
}

export interface FuzzReport {
  readonly examples: number
  readonly seed: number
  readonly requests: number
  readonly operations: number
  /** Titles of the findings, with the operations that have them. */
  readonly findings: Readonly<Record<string, readonly string[]>>
  /** Operations that accepted none of the valid requests, so that their results were not checked. */
  readonly neverAccepted: readonly string[]
  /** Log lines of the gateway about failures of its own. */
  readonly logged: readonly string[]
  /** Whether schemathesis called all operations to the end. */
  readonly isComplete: boolean
}

/** A WebSocket, which schemathesis cannot open. It checks how the call is refused over HTTP. */
const webSocketOperation = 'GET /api/v1/tune'

/** The exit code of schemathesis for a run that could not begin or end. */
const errorCode = 2

/** The part of the report of schemathesis that is read here. */
interface SchemathesisReport {
  readonly complete: boolean
  readonly operations: { readonly total: number; readonly tested: number }
  readonly test_cases: { readonly generated: number }
  readonly failures: readonly { readonly title: string; readonly operations: readonly string[] }[]
  readonly errors: readonly { readonly title: string; readonly count: number }[]
  readonly valid_rates: Readonly<Record<string, Readonly<Record<string, { readonly accepted: number }>>>>
}

/**
 * Starts a gateway with resources and has schemathesis call every operation of the served OpenAPI document with generated
 * requests. What schemathesis prints goes to stderr: for each finding the request, the response and what is wrong.
 *
 * @throws CliError when schemathesis cannot be installed
 */
export async function runSchemathesis({ examples, seed, say }: FuzzOptions): Promise<FuzzReport> {
  const { root, cacheDir, env } = readConfig(process.env)
  const mayInstall = process.getuid?.() === 0
  const program = await prepareSchemathesis({ root, cacheDir, path: env['PATH'], mayInstall, say })
  await using target = await startFuzzTarget()
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-openapi-'))
  try {
    await prepareFolder(folder, target.values)
    say(`${examples} examples for each operation, seed ${seed}`)
    const command = [program, 'run', `${target.url}/api/v1/openapi.json`, '--url', target.url, '--no-color']
    const options = [`--max-examples=${examples}`, `--seed=${seed}`]
    const reporting = ['--report=json', '--report-json-path=report.json']
    const run = Bun.spawn([...command, ...options, ...reporting], {
      cwd: folder,
      env: {
        ...env,
        FUZZ_TOKEN: target.token,
        PYTHONPATH: import.meta.dir,
        // No __pycache__ in the checkout.
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdin: 'ignore',
      stdout: 2,
      stderr: 2,
    })
    const code = await run.exited
    const report = Bun.file(join(folder, 'report.json'))
    if (code >= errorCode || !(await report.exists()))
      throw new Error(`schemathesis failed with exit code ${code}; see its output above.`)
    return { examples, seed, ...summarize((await report.json()) as SchemathesisReport, target.log) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function summarize(
  report: SchemathesisReport,
  log: readonly string[],
): Omit<FuzzReport, 'examples' | 'seed'> {
  const { complete, operations, test_cases, failures, errors, valid_rates } = report
  return {
    requests: test_cases.generated,
    operations: operations.tested,
    findings: Object.fromEntries([
      ...failures.map((one) => [one.title, one.operations]),
      ...errors.map((one) => [one.title, [`${one.count} times`]]),
    ]),
    neverAccepted: Object.entries(valid_rates)
      .filter(([, phases]) => Object.values(phases).every(({ accepted }) => accepted === 0))
      .map(([operation]) => operation)
      .filter((operation) => operation !== webSocketOperation),
    logged: log.filter((line) => /"level":"error"|"status":5\d\d/.test(line)),
    isComplete: complete && operations.tested === operations.total,
  }
}
