import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { buildGoTool } from '@pixelflow/cli/tools/go'

/** Runs Helm and kubectl-validate: renders the chart, and validates the objects as a cluster would. */

export const chartFolder = join(import.meta.dir, 'chart')

/** Sets of values that together cover every branch of the templates; each must pass every check. */
export const valueSets: Readonly<Record<string, readonly string[]>> = {
  default: [],
  minikube: [join(chartFolder, 'values-minikube.yaml')],
  'external NATS': [join(import.meta.dir, 'values/external-nats.yaml')],
  'fixed actors': [join(import.meta.dir, 'values/fixed-actors.yaml')],
  everything: [join(import.meta.dir, 'values/everything.yaml')],
}

/** The oldest Kubernetes version that Chart.yaml allows; objects are validated against its schemas. */
const kubernetesVersion = '1.30'

export interface ChartCheckResult {
  readonly ok: boolean
  /** The program's output, stdout and stderr. */
  readonly text: string
}

/** Runs every check on one set of values, until the first failure. */
export async function checkChart(values: readonly string[]): Promise<ChartCheckResult> {
  const linted = await lint(values)
  if (!linted.ok) return linted
  const rendered = await render(values)
  return rendered.ok ? validateObjects(rendered.text) : rendered
}

export async function lint(values: readonly string[]): Promise<ChartCheckResult> {
  return run(await tool('helm'), ['lint', '--strict', '--quiet', chartFolder, ...valueFlags(values)])
}

/** Runs `helm template`; the text is the YAML of all objects, or the error. @param folder of the chart */
export async function render(
  values: readonly string[],
  flags: readonly string[] = [],
  folder = chartFolder,
): Promise<ChartCheckResult> {
  const command = [
    'template',
    'pixelflow',
    folder,
    '--namespace',
    'pixelflow',
    '--kube-version',
    kubernetesVersion,
  ]
  const { ok, out, err } = await spawn(await tool('helm'), [...command, ...valueFlags(values), ...flags])
  return { ok, text: ok ? out : err }
}

/** Validates objects against the schemas of Kubernetes, KEDA and the Gateway API; unknown fields are errors. */
export async function validateObjects(yaml: string): Promise<ChartCheckResult> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-chart-'))
  try {
    await writeFile(join(folder, 'objects.yaml'), yaml)
    const crds = join(import.meta.dir, 'crds')
    return await run(await tool('kubectl-validate'), [
      `--version=${kubernetesVersion}`,
      `--local-crds=${crds}`,
      join(folder, 'objects.yaml'),
    ])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function valueFlags(values: readonly string[]): string[] {
  return values.flatMap((file) => ['--values', file])
}

function tool(name: 'helm' | 'kubectl-validate'): Promise<string> {
  const { root, cacheDir, env } = readConfig()
  return buildGoTool(name, {
    root,
    cacheDir,
    path: env['PATH'],
    say: (text) => process.stderr.write(`${text}\n`),
  })
}

async function run(program: string, args: readonly string[]): Promise<ChartCheckResult> {
  const { ok, out, err } = await spawn(program, args)
  return { ok, text: `${out}${err}` }
}

async function spawn(program: string, args: readonly string[]) {
  const child = Bun.spawn([program, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 120_000,
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { ok: code === 0, out, err }
}
