import { join } from 'node:path'

/** A program of the alternative. */
export type ProgramName = 'server' | 'worker'

/** Below `node_modules`, because Node.js looks for packages from the folder of a file upwards. */
const outputFolder = join(import.meta.dir, '../node_modules/.alternative')

/**
 * Translates the programs of the alternative to JavaScript, which every Node.js runs, and returns the command of each.
 * @throws Error when Node.js is not on PATH.
 */
export async function buildForNode(): Promise<(name: ProgramName) => string[]> {
  const node = Bun.which('node')
  if (node === null)
    throw new Error('node is not on PATH. Install Node.js 20 or newer, or leave out the system bullmq-node.')
  await Bun.build({
    entrypoints: ['server', 'worker'].map((name) => join(import.meta.dir, `${name}.ts`)),
    target: 'node',
    packages: 'external',
    outdir: outputFolder,
    naming: '[name].mjs',
  })
  return (name) => [node, join(outputFolder, `${name}.mjs`)]
}
