import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type BuildOptions } from './go.ts'

/** Programs of other sources are kept for this long, because another checkout may use them. */
const retentionMs = 24 * 3_600_000

/** Programs of the Go client: the scenarios, and the example of the documentation. */
export type GoProgram = 'scenarios' | 'example'

/** Builds a program of the Go client into the cache unless it exists there, and returns its path. */
export async function buildGoClient(program: GoProgram, options: BuildOptions): Promise<string> {
  const folder = join(options.root, 'clients/go')
  const names = await readdir(folder, { recursive: true })
  const sources = names.filter((name) => /\.go$|^go\.(?:mod|sum)$|\.json$/.test(name)).sort()
  const hasher = new Bun.CryptoHasher('sha256')
  for (const name of sources) hasher.update(`${name}\n`).update(await Bun.file(join(folder, name)).bytes())
  const key = hasher.digest('hex').slice(0, 16)
  const cache = join(options.cacheDir, 'clients/go')
  await mkdir(cache, { recursive: true })
  await removeOldPrograms(cache, key)
  const tool = { folder, program: `./${program}`, version: 'of this checkout' }
  return build(`${program} of the Go client`, tool, join(cache, key, program), options)
}

async function removeOldPrograms(cache: string, current: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const { mtimeMs } = await stat(path)
    if (name !== current && Date.now() - mtimeMs > retentionMs)
      await rm(path, { recursive: true, force: true })
  }
}
