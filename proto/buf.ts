import { readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { goTool } from '@pixelflow/cli/tools/go'

const folder = import.meta.dir
const say = (text: string) => void process.stderr.write(`${text}\n`)

/** What is generated from the contract: by which template, and into which folder. */
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

/** What other rooms need a copy of, for their tools cannot reach out of their folder. */
export const copies = [{ from: 'service-config.json', to: '../clients/go/service-config.json' }] as const

/** The contract as it was last promised; what is there now must not break it. Written by `generate.ts --baseline`. */
export const baseline = join(folder, 'baseline.binpb')

export interface Outcome {
  readonly ok: boolean
  /** What the program wrote, both streams. */
  readonly text: string
}

/** Generates one target, below `base` instead of here when there is one. */
export async function generate({ template, only, tools }: Target, base?: string): Promise<Outcome> {
  const elsewhere = base === undefined ? [] : ['-o', base]
  return run(['generate', '--template', template, ...only, ...elsewhere], tools)
}

/** Runs buf in this folder, building it first where it is not in the cache. */
export async function buf(...args: readonly string[]): Promise<Outcome> {
  return run(args, [])
}

/** `tools` are generators that buf looks for on PATH. */
async function run(args: readonly string[], tools: readonly string[]): Promise<Outcome> {
  const { root, cacheDir, env } = readConfig(process.env)
  const path = env['PATH']
  const built = async (name: string) => goTool(name, { root, cacheDir, path, say })
  const program = await built('buf')
  const generators = await Promise.all(tools.map(async (name) => dirname(await built(name))))
  const child = Bun.spawn([program, ...args], {
    cwd: folder,
    // The generator of JavaScript is started by the Bun that runs us.
    env: { ...env, PATH: [...generators, dirname(process.execPath), path].join(delimiter) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { ok: code === 0, text: `${out}${err}` }
}

/** Every file below a folder by its path in it, with its text. */
export async function filesIn(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(path.slice(root.length + 1), await Bun.file(path).text())
  }
  return found
}
