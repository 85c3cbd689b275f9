import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseline, buf, copies, filesIn, generate, targets, type Outcome, type Target } from './buf.ts'

/**
 * The gates of the contract: `bun proto/verify.ts`. Its style, that it breaks nothing that was promised, and that the
 * generated code is that of the contract. Ends with 1 when any of it is not as it should be.
 */
let failures = 0

report('style', await buf('lint'))
report('no promise is broken', await buf('breaking', '--against', baseline, '--path', 'pixelflow'))
for (const target of targets) report(`generated ${target.what} is up to date`, await compared(target))
for (const { from, to } of copies) report(`${to} is ${from}`, await same(from, to))

process.exit(failures === 0 ? 0 : 1)

async function compared(target: Target): Promise<Outcome> {
  const scratch = await mkdtemp(join(tmpdir(), 'pixelflow-proto-'))
  try {
    // Some targets lie beside this folder.
    const base = join(scratch, 'proto')
    const made = await generate(target, base)
    if (!made.ok) return made
    const trees = [join(base, target.out), join(import.meta.dir, target.out)]
    const [fresh = new Map<string, string>(), committed = new Map<string, string>()] = await Promise.all(
      trees.map(filesIn),
    )
    const paths = [...new Set([...fresh.keys(), ...committed.keys()])].sort()
    const different = paths.filter((path) => fresh.get(path) !== committed.get(path))
    const text = `Not that of the contract: ${different.join(', ')}. Run: bun proto/generate.ts`
    return { ok: different.length === 0, text }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function same(from: string, to: string): Promise<Outcome> {
  const [one, other] = await Promise.all(
    [from, to].map((path) => Bun.file(join(import.meta.dir, path)).text()),
  )
  return { ok: one === other, text: 'Run: bun proto/generate.ts' }
}

function report(what: string, outcome: Outcome) {
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (outcome.ok) return
  failures += 1
  console.log(outcome.text.trim())
}
