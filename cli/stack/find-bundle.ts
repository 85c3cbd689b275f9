import { readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'

/** The services that `up` runs from bundles. */
export type ServiceName = 'gateway' | 'actors'

/** What a service is built from; the first entry point is that of the process itself. Paths are relative to its package. */
export const entryPoints: Readonly<Record<ServiceName, readonly string[]>> = {
  gateway: ['main.ts'],
  actors: ['main.ts', 'sandbox/worker-entry.ts'],
}

/** The newest bundle of a service, in `current.json`. */
const bundleRecord = z.object({
  /** The Bun that built it, e.g. `1.4.5`. */
  runtime: z.string(),
  /** Folder of the bundle, beside the record. */
  folder: z.string(),
  /** Fingerprint of each source, by its path relative to the checkout. */
  sources: z.record(z.string(), z.string()),
})
export type BundleRecord = z.infer<typeof bundleRecord>

/**
 * Folder of the bundles of a service. It is below the package of the service, so that modules which are not in the bundle, such
 * as sharp, are found there.
 */
export function bundleFolder(root: string, service: ServiceName): string {
  return join(root, service, 'node_modules/.pixelflow')
}

export function recordPath(root: string, service: ServiceName): string {
  return join(bundleFolder(root, service), 'current.json')
}

/** The entry point in the newest bundle; undefined when there is none or its sources have changed. */
export async function findBundle(root: string, service: ServiceName): Promise<string | undefined> {
  const record = await readRecord(recordPath(root, service))
  if (record === undefined || record.runtime !== Bun.version) return undefined
  const main = join(bundleFolder(root, service), record.folder, 'main.js')
  const checks = Object.entries(record.sources).map(
    async ([path, expected]) => (await fingerprintOf(join(root, path))) === expected,
  )
  const isFresh = (await Promise.all([...checks, Bun.file(main).exists()])).every(Boolean)
  return isFresh ? main : undefined
}

/** Fingerprints of files: size and time of the last change. A version control system sets the time when it writes a file. */
export async function fingerprintSources(
  root: string,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const all = paths.map(async (path) => [relative(root, path), await fingerprintOf(path)] as const)
  return Object.fromEntries(await Promise.all(all))
}

async function fingerprintOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined ? 'missing' : `${found.size} ${found.mtimeMs}`
}

async function readRecord(path: string): Promise<BundleRecord | undefined> {
  try {
    return bundleRecord.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}
