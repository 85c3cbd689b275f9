import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './document.ts'
import { goScenarios, python } from './workshop.ts'

/** What a program says of one scenario. */
export interface Report {
  readonly scenario: string
  readonly ok: boolean
  readonly why?: string
}

/** A client in another language that runs scenarios by their names. */
export interface Runner {
  /** The names of those that it knows. */
  list(): Promise<string[]>
  /** Runs them all; each report by its name. */
  run(flags: readonly string[]): Promise<Map<string, Report>>
}

/** The clients of `clients/python` and `clients/go`, ready to run. */
export async function openRunners(scope: AsyncDisposableStack): Promise<Record<'Python' | 'Go', Runner>> {
  const { interpreter, cwd, env } = await openPython(scope)
  return {
    Python: runner([interpreter, '-m', 'scenarios'], cwd, env),
    Go: runner([await goScenarios()], root),
  }
}

/** The interpreter with all that it needs, and where and how it is run. */
export async function openPython(scope: AsyncDisposableStack) {
  const cwd = join(root, 'clients/python')
  const generated = await mkdtemp(join(tmpdir(), 'pixelflow-python-'))
  scope.defer(() => rm(generated, { recursive: true, force: true }))
  const interpreter = await python()
  const made = await output([interpreter, 'generate.py', generated], cwd)
  if (made.code !== 0) throw new Error(`generate.py failed:\n${made.errors}`)
  return { interpreter, cwd, env: { PYTHONPATH: generated, PYTHONDONTWRITEBYTECODE: '1' } }
}

function runner(command: readonly string[], cwd: string, env: Record<string, string> = {}): Runner {
  return {
    async list() {
      const { code, out, errors } = await output([...command, '--list'], cwd, env)
      if (code !== 0) throw new Error(`${command.join(' ')} --list failed:\n${errors}`)
      return out.trim().split('\n')
    },
    async run(flags) {
      const { out, errors } = await output([...command, ...flags], cwd, env)
      const lines = out.trim().split('\n').filter(Boolean)
      const reports = lines.map((line) => JSON.parse(line) as Report)
      if (reports.length === 0) throw new Error(`${command.join(' ')} has run nothing:\n${errors}`)
      return new Map(reports.map((one) => [one.scenario, one]))
    },
  }
}

/** Runs a program to its end. */
export async function output(
  command: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  input = '',
) {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, errors }
}
