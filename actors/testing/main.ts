import { parseArgs } from 'node:util'
import { runStress } from './stress.ts'

/**
 * Runs the stress test with any number of files: `bun actors/testing/main.ts --flips 5000 --seed 100000`. Prints a
 * report as one JSON line, and exits with 1 after a violated expectation or a crash. Reaching a limit is expected.
 */

const { values } = parseArgs({
  options: { flips: { type: 'string', default: '1000' }, seed: { type: 'string', default: '100000' } },
})
const report = await runStress({ with: 'flips', flips: Number(values.flips), seed: Number(values.seed) })
process.stdout.write(`${JSON.stringify(report)}\n`)
const { failures, leftovers, crashes } = report
process.exit(failures.length + leftovers.length + crashes.length > 0 ? 1 : 0)
