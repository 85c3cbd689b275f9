import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  bundleFolder,
  entryPoints,
  fingerprintSources,
  recordPath,
  type BundleRecord,
  type ServiceName,
} from './find-bundle.ts'

/**
 * Bundles a service: one file with all its modules loads in half the CPU time, and takes less memory, than hundreds of modules
 * that are translated at each start. Usage: `bun cli/stack/build-service.ts CHECKOUT gateway`. It is a process of its own,
 * because the memory of the bundler would remain in `up`.
 */

const [root = '', name = ''] = process.argv.slice(2)
/** Earlier bundles that are kept: their processes may still run, and load parts of them. */
const keptBundles = 3

async function buildService(service: ServiceName): Promise<void> {
  const folder = bundleFolder(root, service)
  const fresh = join(folder, `${process.pid}.new`)
  try {
    const { metafile } = await Bun.build({
      entrypoints: entryPoints[service].map((path) => join(root, service, path)),
      target: 'bun',
      outdir: fresh,
      naming: { entry: '[name].[ext]' },
      // Dynamic imports stay separate, so that what is rarely used is loaded when it is used.
      splitting: true,
      // Names stay, for stack traces and for libraries that read the source of functions.
      minify: { whitespace: true, syntax: true },
      sourcemap: 'linked',
      // The native code of sharp is loaded from its package, and the build of the page reads files beside its module.
      external: ['sharp', '@pixelflow/ui/build'],
      metafile: true,
    })
    const inputs = Object.keys(metafile?.inputs ?? {}).map((path) => resolve(path))
    // The lock file covers all packages.
    const own = inputs.filter((path) => !path.includes('/node_modules/'))
    const sources = await fingerprintSources(root, [...own, join(root, 'bun.lock')])
    const hash = new Bun.CryptoHasher('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16)
    await rename(fresh, join(folder, hash)).catch(ignoreTaken)
    await writeRecord(service, { runtime: Bun.version, folder: hash, sources })
    await removeEarlier(folder, hash)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function writeRecord(service: ServiceName, record: BundleRecord): Promise<void> {
  const path = recordPath(root, service)
  await writeFile(`${path}.${process.pid}.new`, JSON.stringify(record))
  await rename(`${path}.${process.pid}.new`, path)
}

async function removeEarlier(folder: string, current: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{16}$/.test(name) && name !== current)
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  )
  const earlier = dated.toSorted((a, b) => b.at - a.at).slice(keptBundles)
  await Promise.all(earlier.map(({ name }) => rm(join(folder, name), { recursive: true, force: true })))
}

/** Another `up` has built the same bundle at the same time. */
function ignoreTaken(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST'].includes((error as { code?: string }).code ?? '')) throw error
}

if (name !== 'gateway' && name !== 'actors') throw new Error(`unknown service ${name}`)
// Inputs in the metafile are relative to the current folder.
process.chdir(root)
await mkdir(bundleFolder(root, name), { recursive: true })
await buildService(name)
