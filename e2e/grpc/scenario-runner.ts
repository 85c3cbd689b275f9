import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientPrograms } from './client-programs.ts'
import { runProgram, type ProgramOptions } from './run-program.ts'
import { root } from './scenario-table.ts'

/** The result of one scenario, as the program prints it. */
export interface ScenarioReport {
  readonly scenario: string
  readonly ok: boolean
  readonly why?: string
}

/** A client in another language that runs scenarios by name. */
export interface ScenarioRunner {
  /** Names of the scenarios that the program contains. */
  list(): Promise<string[]>
  /** Runs all scenarios; returns the reports by scenario. */
  run(flags: readonly string[]): Promise<Map<string, ScenarioReport>>
}

/** Builds the clients of `clients/python` and `clients/go`. */
export async function openScenarioRunners(
  scope: AsyncDisposableStack,
): Promise<Record<'Python' | 'Go', ScenarioRunner>> {
  const { interpreter, ...options } = await openPython(scope)
  return {
    Python: createRunner([interpreter, '-m', 'scenarios'], options),
    Go: createRunner([await clientPrograms.goScenarios()], { cwd: root }),
  }
}

/** Installs the Python client and generates its gRPC code. Run `interpreter` with the returned folder and environment. */
export async function openPython(scope: AsyncDisposableStack) {
  const cwd = join(root, 'clients/python')
  const generated = await mkdtemp(join(tmpdir(), 'pixelflow-python-'))
  scope.defer(() => rm(generated, { recursive: true, force: true }))
  const interpreter = await clientPrograms.python()
  const { code, errors } = await runProgram([interpreter, 'generate.py', generated], { cwd })
  if (code !== 0) throw new Error(`generate.py failed:\n${errors}`)
  return { interpreter, cwd, env: { PYTHONPATH: generated, PYTHONDONTWRITEBYTECODE: '1' } }
}

function createRunner(command: readonly string[], options: ProgramOptions): ScenarioRunner {
  return {
    async list() {
      const { code, out, errors } = await runProgram([...command, '--list'], options)
      if (code !== 0) throw new Error(`${command.join(' ')} --list failed:\n${errors}`)
      return out.trim().split('\n')
    },
    async run(flags) {
      const { out, errors } = await runProgram([...command, ...flags], options)
      const lines = out.trim().split('\n').filter(Boolean)
      const reports = lines.map((line) => JSON.parse(line) as ScenarioReport)
      if (reports.length === 0) throw new Error(`${command.join(' ')} ran no scenario:\n${errors}`)
      return new Map(reports.map((one) => [one.scenario, one]))
    },
  }
}
