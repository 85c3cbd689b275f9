import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseline, buf, filesIn, generate, targets, type BufResult, type Target } from './buf.ts'

/**
 * Checks the contract: `bun proto/verify.ts`. Style, compatibility with the baseline, and generated code that is up to
 * date. Exits with 1 if any check fails.
 */
let failures = 0

report('style', await buf('lint'))
report('no breaking change', await buf('breaking', '--against', baseline, '--path', 'pixelflow'))
for (const target of targets) report(`generated ${target.what} is up to date`, await compareGenerated(target))

process.exit(failures === 0 ? 0 : 1)

async function compareGenerated(target: Target): Promise<BufResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'pixelflow-proto-'))
  try {
    // Some targets are siblings of this folder.
    const base = join(scratch, 'proto')
    const made = await generate(target, base)
    if (!made.ok) return made
    const trees = [join(base, target.out), join(import.meta.dir, target.out)]
    const [fresh = new Map<string, string>(), committed = new Map<string, string>()] = await Promise.all(
      trees.map(filesIn),
    )
    const paths = [...new Set([...fresh.keys(), ...committed.keys()])].sort()
    const different = paths.filter((path) => fresh.get(path) !== committed.get(path))
    const text = `Out of date: ${different.join(', ')}. Run: bun proto/generate.ts`
    return { ok: different.length === 0, text }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function report(what: string, result: BufResult) {
  console.log(`${result.ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (result.ok) return
  failures += 1
  console.log(result.text.trim())
}
