import { readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { buildGoTool } from '@pixelflow/cli/tools/go'

const folder = import.meta.dir
const say = (text: string) => void process.stderr.write(`${text}\n`)

/** The generated code: template and output folder of each language. */
export const targets = [
  { what: 'JavaScript', template: 'buf.gen.yaml', only: [], out: 'gen', tools: [] },
  {
    what: 'Go',
    template: 'buf.gen.go.yaml',
    only: ['--path', 'pixelflow'],
    out: '../clients/go/gen',
    tools: ['protoc-gen-go', 'protoc-gen-go-grpc'],
  },
] as const
export type Target = (typeof targets)[number]

/** The contract of the last release, which the current one must not break. Written by `generate.ts --baseline`. */
export const baseline = join(folder, 'baseline.binpb')

export interface BufResult {
  readonly ok: boolean
  /** Standard output and standard error of the program. */
  readonly text: string
}

/** Generates one target, below `base` if given, otherwise in place. */
export async function generate({ template, only, tools }: Target, base?: string): Promise<BufResult> {
  const outputArgs = base === undefined ? [] : ['-o', base]
  return run(['generate', '--template', template, ...only, ...outputArgs], tools)
}

/** Runs buf in this folder. Builds it first unless it is cached. */
export async function buf(...args: readonly string[]): Promise<BufResult> {
  return run(args, [])
}

/** @param tools generators that buf finds on PATH */
async function run(args: readonly string[], tools: readonly string[]): Promise<BufResult> {
  const { root, cacheDir, env } = readConfig(process.env)
  const path = env['PATH']
  const built = async (name: string) => buildGoTool(name, { root, cacheDir, path, say })
  const program = await built('buf')
  const generators = await Promise.all(tools.map(async (name) => dirname(await built(name))))
  const child = Bun.spawn([program, ...args], {
    cwd: folder,
    // The JavaScript generator runs on the current Bun.
    env: { ...env, PATH: [...generators, dirname(process.execPath), path].join(delimiter) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { ok: code === 0, text: `${out}${err}` }
}

/** The text of every file below a folder, by relative path. */
export async function filesIn(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(path.slice(root.length + 1), await Bun.file(path).text())
  }
  return found
}
