import { parseArgs } from 'node:util'
import { faultKinds, type FaultKind } from './fault-injector.ts'
import { runChaos } from './run-chaos.ts'

/** Usage: bun e2e/chaos/main.ts [--minutes 5] [--seed 1] [--rate 8] [--actors 3] [--faults killActor,… | --rolling]; the last line is the report. */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    rate: { type: 'string', default: '8' },
    actors: { type: 'string', default: '3' },
    rolling: { type: 'boolean', default: false },
    faults: { type: 'string', default: '' },
  },
})

const say = (text: string) => void process.stderr.write(`chaos: ${text}\n`)

function parseNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value <= max) return value
  return exitWithUsage(
    `--${name} ${text} is not a number from ${min} to ${max}.`,
    'Give a number of that range, or omit the option.',
  )
}

function parseFaults(text: string): FaultKind[] {
  const isKind = (name: string): name is FaultKind => (faultKinds as readonly string[]).includes(name)
  return text
    .split(',')
    .filter(Boolean)
    .map((name) =>
      isKind(name) ? name : exitWithUsage(`Unknown fault ${name}.`, `Give one of ${faultKinds.join(', ')}.`),
    )
}

function exitWithUsage(problem: string, remedy: string): never {
  process.stderr.write(`error: ${problem}\n  remedy   ${remedy}\n`)
  process.exit(2)
}

const report = await runChaos({
  minutes: parseNumber('minutes', values.minutes, 0.1, 1440),
  seed: parseNumber('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0, 2 ** 32 - 1),
  tasksPerSecond: parseNumber('rate', values.rate, 0.1, 1000),
  actors: parseNumber('actors', values.actors, 1, 64),
  faults: parseFaults(values.faults),
  rolling: values.rolling,
  say,
})
process.stdout.write(`${JSON.stringify(report)}\n`)
process.exit(Object.values(report.violations).every((count) => count === 0) ? 0 : 1)
