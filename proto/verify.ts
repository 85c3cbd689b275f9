import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseline, buf, filesIn, generated, type Outcome } from './buf.ts'

/**
 * The gates of the contract: `bun proto/verify.ts`. Its style, that it breaks nothing that was promised, and that the
 * generated code is that of the contract. Ends with 1 when any of it is not as it should be.
 */
let failures = 0

report('style', await buf('lint'))
report('no promise is broken', await buf('breaking', '--against', baseline, '--path', 'pixelflow'))
report('generated code is up to date', await compared())

process.exit(failures === 0 ? 0 : 1)

async function compared(): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-proto-'))
  try {
    const made = await buf('generate', '-o', folder)
    if (!made.ok) return made
    const [fresh, committed] = await Promise.all([filesIn(join(folder, 'gen')), filesIn(generated)])
    const paths = [...new Set([...fresh.keys(), ...committed.keys()])].sort()
    const different = paths.filter((path) => fresh.get(path) !== committed.get(path))
    const text = `Not that of the contract: ${different.join(', ')}. Run: bun proto/generate.ts`
    return { ok: different.length === 0, text }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function report(what: string, outcome: Outcome) {
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (outcome.ok) return
  failures += 1
  console.log(outcome.text.trim())
}
