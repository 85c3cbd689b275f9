import { readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { goTool } from '@pixelflow/cli/tools/go'

const folder = import.meta.dir
const say = (text: string) => void process.stderr.write(`${text}\n`)

/** Messages generated from the contract. */
export const generated = join(folder, 'gen')

/** The contract as it was last promised; what is there now must not break it. Written by `generate.ts --baseline`. */
export const baseline = join(folder, 'baseline.binpb')

export interface Outcome {
  readonly ok: boolean
  /** What the program wrote, both streams. */
  readonly text: string
}

/** Runs buf in this folder, building it first where it is not in the cache. */
export async function buf(...args: readonly string[]): Promise<Outcome> {
  const { root, cacheDir, env } = readConfig(process.env)
  const path = env['PATH']
  const program = await goTool('buf', { root, cacheDir, path, say })
  const child = Bun.spawn([program, ...args], {
    cwd: folder,
    // The generator is started by the Bun that runs us.
    env: { ...env, PATH: [dirname(process.execPath), path].join(delimiter) },
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
