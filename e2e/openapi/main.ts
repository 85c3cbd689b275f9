import { parseArgs } from 'node:util'
import { runSchemathesis } from './run-schemathesis.ts'

/**
 * Calls the HTTP API with requests generated from its OpenAPI document:
 * `bun e2e/openapi/main.ts --examples 500 --seed 1`. Prints the findings to stderr and a report as one JSON line, and
 * exits with 1 after a finding.
 */

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '100' }, seed: { type: 'string' } },
})

function parseInteger(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  process.stderr.write(
    `error: --${name} must be a whole number from ${min} to ${max}, got ${text}.\n  remedy   Give a number of that range, or omit the option.\n`,
  )
  process.exit(2)
}

const report = await runSchemathesis({
  examples: parseInteger('examples', values.examples, 1, 1_000_000),
  seed: parseInteger('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0, 2 ** 32 - 1),
  say: (text) => void process.stderr.write(`fuzz: ${text}\n`),
})
process.stdout.write(`${JSON.stringify(report)}\n`)
const { findings, neverAccepted, logged, isComplete } = report
const isGood = Object.keys(findings).length + neverAccepted.length + logged.length === 0 && isComplete
process.exit(isGood ? 0 : 1)
