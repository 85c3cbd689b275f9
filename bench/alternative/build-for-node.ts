import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'

/** A program of the alternative. */
export type ProgramName = 'server' | 'worker'

/** Below `node_modules`, because Node.js looks for packages from the folder of a file upwards. */
const outputFolder = join(import.meta.dir, '../node_modules/.alternative')

/**
 * Translates the programs of the alternative to JavaScript, which every Node.js runs, and returns the command of each.
 * @throws UsageError when Node.js is not on PATH.
 */
export async function buildForNode(): Promise<(name: ProgramName) => string[]> {
  const node = findNode()
  await Bun.build({
    entrypoints: ['server', 'worker'].map((name) => join(import.meta.dir, `${name}.ts`)),
    target: 'node',
    packages: 'external',
    outdir: outputFolder,
    naming: '[name].mjs',
  })
  return (name) => [node, join(outputFolder, `${name}.mjs`)]
}

/**
 * @param path folders that are searched, separated as in PATH; default PATH.
 * @throws UsageError when Node.js is not there.
 */
export function findNode(path?: string): string {
  const found = Bun.which('node', path === undefined ? {} : { PATH: path })
  if (found !== null) return found
  throw new UsageError('node is not on PATH.', {
    field: '--systems',
    remedy: 'Install Node.js 20 or newer, or leave out the system bullmq-node.',
  })
}
