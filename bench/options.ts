import { parseArgs } from 'node:util'

const defaults = { images: '40', rounds: '5', 'warm-up': '100', 'upload-mib': '256', queued: '5000' }

export type BenchOptions = ReturnType<typeof readOptions>

/**
 * Reads the command line of the benchmark: whole numbers of at least 1, and the parts to run, by default all.
 * @throws Error with a message for the user when an option, a number or a part is invalid.
 */
export function readOptions(args: readonly string[], known: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      images: { type: 'string', default: defaults.images },
      rounds: { type: 'string', default: defaults.rounds },
      'warm-up': { type: 'string', default: defaults['warm-up'] },
      'upload-mib': { type: 'string', default: defaults['upload-mib'] },
      queued: { type: 'string', default: defaults.queued },
      parts: { type: 'string', default: known.join(',') },
      json: { type: 'boolean', default: false },
    },
  })
  const readNumber = (name: keyof typeof defaults) => {
    const value = Number(values[name])
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw new Error(`--${name} ${values[name]} is not a whole number of 1 or more.`)
  }
  const parts = values.parts.split(',')
  const unknown = parts.find((one) => !known.includes(one))
  if (unknown !== undefined) {
    throw new Error(
      `--parts has the unknown part ${JSON.stringify(unknown)}. The parts are ${known.join(', ')}.`,
    )
  }
  return {
    images: readNumber('images'),
    rounds: readNumber('rounds'),
    warmUp: readNumber('warm-up'),
    queued: readNumber('queued'),
    uploadBytes: readNumber('upload-mib') * 1024 * 1024,
    parts,
    json: values.json,
  }
}

/** Reads the command line as `readOptions`. Prints an error and exits with 2 when it is invalid. */
export function readOptionsOrExit(args: readonly string[], known: readonly string[]): BenchOptions {
  try {
    return readOptions(args, known)
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n  remedy   See ./pixelflow bench --help.\n`)
    return process.exit(2)
  }
}
