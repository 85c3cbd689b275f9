import { baseline, buf, generate, targets, type BufResult } from './buf.ts'

/**
 * Generates the code here and in clients/go from the contract: `bun proto/generate.ts`. `--baseline` also writes the
 * baseline that `buf breaking` compares with: only for a release, or for an intended breaking change.
 */
for (const target of targets) requireSuccess(await generate(target))
if (process.argv.includes('--baseline')) {
  requireSuccess(await buf('build', '--path', 'pixelflow', '--exclude-source-info', '-o', baseline))
}

function requireSuccess({ ok, text }: BufResult) {
  if (ok) return
  process.stderr.write(`${text.trim()}\n`)
  process.exit(1)
}
