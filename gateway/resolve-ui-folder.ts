import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Glob } from 'bun'

const stamp = 'sources.sha256'
const maxConflicts = 5

/** The folder of the built page: the configured one, or `ui/dist`, which is built when its sources have changed. */
export async function resolveUiFolder(configured: string | undefined, log: Logger): Promise<string> {
  if (configured !== undefined) return configured
  const ui = dirname(Bun.resolveSync('@pixelflow/ui/build', import.meta.dir))
  const core = dirname(Bun.resolveSync('@pixelflow/core/fault', import.meta.dir))
  const client = dirname(Bun.resolveSync('@pixelflow/client', ui))
  const expected = await digestOf([ui, core, client])
  const dist = join(ui, 'dist')
  for (let conflicts = 0; (await stampOf(dist)) !== expected; conflicts++) {
    if (conflicts === maxConflicts)
      throw new Error(`${dist} is changed by another process. Stop it, or set PIXELFLOW_UI_DIR.`)
    log.info('page build started', { folder: dist })
    await build(dist, expected)
  }
  return dist
}

/** Builds in a temporary folder and renames it, so that gateways that start at the same time never see half a page. */
async function build(dist: string, expected: string): Promise<void> {
  const { buildUi } = await import('@pixelflow/ui/build')
  const fresh = `${dist}.${process.pid}.new`
  const old = `${dist}.${process.pid}.old`
  try {
    await mkdir(fresh, { recursive: true })
    await buildUi(fresh)
    await Bun.write(join(fresh, stamp), expected)
    await rename(dist, old).catch(ignoreMissing)
    // Another gateway has built the same page at the same time.
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

/** SHA-256 of all sources of the page. */
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
