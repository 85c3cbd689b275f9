import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { compareGolden, encodeGolden } from './compare-golden.ts'
import { goldenExamples, goldenFolder, goldenPath, renderGolden } from './render-golden.ts'
import { openTransformHarness } from './transform-harness.ts'

/**
 * Writes the goldens of operations that have none or that have changed: `bun actors/testing/write-goldens.ts`. Goldens
 * that still match are left as they are, and those without an operation are removed. Look at each written picture before
 * you commit it.
 */

await using harness = await openTransformHarness()
for (const name of goldenExamples.keys()) {
  const file = Bun.file(goldenPath(name))
  const golden = await renderGolden(name, harness)
  const differences = (await file.exists())
    ? await compareGolden(golden, await file.bytes())
    : ['it was missing']
  if (differences.length === 0) continue
  await Bun.write(file, await encodeGolden(golden))
  process.stdout.write(`written ${goldenPath(name)}: ${differences.join('; ')}\n`)
}
for (const file of await readdir(goldenFolder)) {
  if (goldenExamples.has(file.replace('.png', ''))) continue
  await rm(join(goldenFolder, file))
  process.stdout.write(`removed ${join(goldenFolder, file)}: the operation does not exist\n`)
}
