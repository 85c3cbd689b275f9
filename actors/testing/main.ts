import { parseArgs } from 'node:util'
import { runStress } from './stress.ts'

/**
 * Hostile files, as many as you like: `bun actors/testing/main.ts --flips 5000 --seed 100000`. Prints a report as one
 * JSON line, and exits with 1 when anything was not as it must be.
 */

const { values } = parseArgs({
  options: { flips: { type: 'string', default: '1000' }, seed: { type: 'string', default: '100000' } },
})
const report = await runStress({ with: 'flips', flips: Number(values.flips), seed: Number(values.seed) })
process.stdout.write(`${JSON.stringify(report)}\n`)
const { failures, left, news } = report
// A child that met a bound is as it should be; one that crashed is not.
const circuit = news.filter((line) => !line.startsWith('lost: Processing '))
process.exit(failures.length + left.length + circuit.length > 0 ? 1 : 0)
