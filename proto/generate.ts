import { join } from 'node:path'
import { baseline, buf, copies, generate, targets, type Outcome } from './buf.ts'

/**
 * Makes the generated code, here and in clients/go, anew from the contract: `bun proto/generate.ts`. With `--baseline`, the contract as it is
 * now becomes the promise that later ones are held to; that belongs to a release, or to a change that is meant.
 */
for (const target of targets) requireSuccess(await generate(target))
for (const { from, to } of copies)
  await Bun.write(join(import.meta.dir, to), Bun.file(join(import.meta.dir, from)))
if (process.argv.includes('--baseline')) {
  requireSuccess(await buf('build', '--path', 'pixelflow', '--exclude-source-info', '-o', baseline))
}

function requireSuccess({ ok, text }: Outcome) {
  if (ok) return
  process.stderr.write(`${text.trim()}\n`)
  process.exit(1)
}
