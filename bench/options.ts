import { parseArgs } from 'node:util'
import { defaultSystems, systemNames, type SystemName } from './works/system.ts'
import { exitForUsage, UsageError } from './usage-error.ts'
import { workNames, type WorkName } from './works/work.ts'

/** Whole numbers of at least 1. */
const numbers = {
  images: '40',
  rounds: '5',
  'warm-up': '100',
  'upload-mib': '256',
  queued: '5000',
  tasks: '100000',
  followers: '1000',
}

export type BenchOptions = ReturnType<typeof readOptions>

/**
 * Reads the command line of the benchmark: whole numbers of at least 1, and what to run and to compare, by default all.
 * @throws Error with a message for the user when an option or a value is invalid.
 */
export function readOptions(args: readonly string[], partNames: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      images: { type: 'string', default: numbers.images },
      rounds: { type: 'string', default: numbers.rounds },
      'warm-up': { type: 'string', default: numbers['warm-up'] },
      'upload-mib': { type: 'string', default: numbers['upload-mib'] },
      queued: { type: 'string', default: numbers.queued },
      tasks: { type: 'string', default: numbers.tasks },
      followers: { type: 'string', default: numbers.followers },
      parts: { type: 'string', default: partNames.join(',') },
      works: { type: 'string', default: workNames.join(',') },
      systems: { type: 'string', default: defaultSystems.join(',') },
      profile: { type: 'string' },
      save: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const readNumber = (name: keyof typeof numbers) => {
    const value = Number(values[name])
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw new Error(`--${name} ${values[name]} is not a whole number of 1 or more.`)
  }
  const readList = (name: 'parts' | 'works' | 'systems', known: readonly string[]) => {
    const list = values[name].split(',')
    const unknown = list.find((one) => !known.includes(one))
    if (unknown === undefined) return list
    throw new Error(`--${name} has the unknown value ${JSON.stringify(unknown)}. Known: ${known.join(', ')}.`)
  }
  return {
    images: readNumber('images'),
    rounds: readNumber('rounds'),
    warmUp: readNumber('warm-up'),
    queued: readNumber('queued'),
    tasks: readNumber('tasks'),
    followers: readNumber('followers'),
    uploadBytes: readNumber('upload-mib') * 1024 * 1024,
    parts: readList('parts', partNames),
    works: readList('works', workNames) as WorkName[],
    systems: readList('systems', systemNames) as SystemName[],
    /** Folder for CPU profiles. */
    profile: values.profile,
    /** File of results. */
    save: values.save,
    isQuick: values.quick,
    json: values.json,
  }
}

/** Reads the command line as `readOptions`. Prints an error and exits with 2 when it is invalid. */
export function readOptionsOrExit(args: readonly string[], partNames: readonly string[]): BenchOptions {
  try {
    return readOptions(args, partNames)
  } catch (error) {
    const usage = new UsageError((error as Error).message, { remedy: 'See ./pixelflow bench --help.' })
    return exitForUsage(usage, args.includes('--json'))
  }
}
