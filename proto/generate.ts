import { baseline, buf, type Outcome } from './buf.ts'

/**
 * Makes the code in `gen/` anew from the contract: `bun proto/generate.ts`. With `--baseline`, the contract as it is
 * now becomes the promise that later ones are held to; that belongs to a release, or to a change that is meant.
 */
demand(await buf('generate'))
if (process.argv.includes('--baseline')) {
  demand(await buf('build', '--path', 'pixelflow', '--exclude-source-info', '-o', baseline))
}

function demand({ ok, text }: Outcome) {
  if (ok) return
  process.stderr.write(`${text.trim()}\n`)
  process.exit(1)
}
