import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type BuildOptions } from './go.ts'

/** Programs of older sources are kept for this long: another checkout may be using them. */
const keptMs = 24 * 3_600_000

/** Programs of the Go client: the one that runs the scenarios, and the example of its page. */
export type GoProgram = 'scenarios' | 'example'

/** Path of a program of the Go client, built into the cache when it is not that of the sources. */
export async function goClient(program: GoProgram, options: BuildOptions): Promise<string> {
  const folder = join(options.root, 'clients/go')
  const names = await readdir(folder, { recursive: true })
  const sources = names.filter((name) => /\.go$|^go\.(?:mod|sum)$|\.json$/.test(name)).sort()
  const hasher = new Bun.CryptoHasher('sha256')
  for (const name of sources) hasher.update(`${name}\n`).update(await Bun.file(join(folder, name)).bytes())
  const key = hasher.digest('hex').slice(0, 16)
  const place = join(options.cacheDir, 'clients/go')
  await mkdir(place, { recursive: true })
  await sweep(place, key)
  const tool = { folder, program: `./${program}`, version: 'of this checkout' }
  return build(`${program} of the Go client`, tool, join(place, key, program), options)
}

async function sweep(place: string, current: string): Promise<void> {
  for (const name of await readdir(place)) {
    const path = join(place, name)
    const { mtimeMs } = await stat(path)
    if (name !== current && Date.now() - mtimeMs > keptMs) await rm(path, { recursive: true, force: true })
  }
}
