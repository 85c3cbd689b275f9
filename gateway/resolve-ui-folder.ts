import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Glob } from 'bun'

const stamp = 'sources.sha256'
const mostRaces = 5

/** The folder of the built page: the one named, else `ui/dist`, which is built when its sources are newer than it. */
export async function resolveUiFolder(named: string | undefined, log: Logger): Promise<string> {
  if (named !== undefined) return named
  const ui = dirname(Bun.resolveSync('@pixelflow/ui/build', import.meta.dir))
  const core = dirname(Bun.resolveSync('@pixelflow/core/fault', import.meta.dir))
  const client = dirname(Bun.resolveSync('@pixelflow/client', ui))
  const wanted = await digestOf([ui, core, client])
  const dist = join(ui, 'dist')
  for (let races = 0; (await stampOf(dist)) !== wanted; races++) {
    if (races === mostRaces) throw new Error(`${dist} is changed by somebody else all the time.`)
    log.info('building the page', { folder: dist })
    await build(dist, wanted)
  }
  return dist
}

/** Built aside and moved into place: gateways that start at the same moment must not see half a page. */
async function build(dist: string, wanted: string): Promise<void> {
  const { buildUi } = await import('@pixelflow/ui/build')
  const fresh = `${dist}.${process.pid}.new`
  const old = `${dist}.${process.pid}.old`
  try {
    await mkdir(fresh, { recursive: true })
    await buildUi(fresh)
    await Bun.write(join(fresh, stamp), wanted)
    await rename(dist, old).catch(ignoreMissing)
    // Somebody who was faster has put the same there.
    await rename(fresh, dist).catch(ignoreTaken)
  } finally {
    await Promise.all([fresh, old].map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

function stampOf(dist: string): Promise<string> {
  return Bun.file(join(dist, stamp))
    .text()
    .catch(() => '')
}

/** Of everything that the page is made from. */
async function digestOf(folders: readonly string[]): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256')
  for (const folder of folders) {
    const names = await Array.fromAsync(new Glob('**/*.{ts,tsx,css,svg,html,json}').scan({ cwd: folder }))
    for (const name of names.filter(isSource).sort()) {
      hasher.update(`${name}\0`)
      hasher.update(await Bun.file(join(folder, name)).bytes())
    }
  }
  return hasher.digest('hex')
}

function isSource(name: string): boolean {
  return !/(^|\/)(node_modules|dist[^/]*)\//.test(name) && !/\.test\.tsx?$/.test(name)
}

function ignoreMissing(error: unknown): void {
  if ((error as { code?: string }).code !== 'ENOENT') throw error
}

function ignoreTaken(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST'].includes((error as { code?: string }).code ?? '')) throw error
}
