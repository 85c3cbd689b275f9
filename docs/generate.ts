import { join } from 'node:path'
import { renderCallIndex } from './render-call-index.ts'
import { renderOperationsIndex } from './render-operations-index.ts'

/** Writes the files that are generated from the code. With `--check`, fails when one of them differs from the code. */

const checkOnly = process.argv.includes('--check')
const stale: string[] = []

await update('../core/operations/operations.gen.ts', () =>
  renderOperationsIndex(join(import.meta.dir, '../core/operations')),
)
await update('../gateway/calls/calls.gen.ts', () => renderCallIndex(join(import.meta.dir, '../gateway')))
// Imported when the lists of operations and calls are up to date, because the pages are rendered from it.
const { pages } = await import('./pages.ts')
for (const [name, render] of Object.entries(pages)) await update(name, render)

if (stale.length > 0) {
  process.stderr.write(
    `${stale.map((name) => join('docs', name)).join(', ')} do not match the code: run \`./pixelflow verify --write\`.\n`,
  )
  process.exit(1)
}

async function update(name: string, render: () => string): Promise<void> {
  const path = join(import.meta.dir, name)
  const text = render()
  const current = await Bun.file(path)
    .text()
    .catch(() => '')
  if (current === text) return
  if (checkOnly) stale.push(name)
  else await Bun.write(path, text)
}
