import { parseArgs } from 'node:util'

const defaults = { images: '40', rounds: '5', 'warm-up': '100', 'upload-mib': '256', queued: '5000' }

export type BenchOptions = ReturnType<typeof readOptions>

/**
 * The command line of the benchmark: whole numbers, 1 or more, and which of the parts there are; all unless told.
 *
 * @throws Error with a message for people when an option is unknown or no such number, or a part is unknown.
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
  const whole = (name: keyof typeof defaults) => {
    const value = Number(values[name])
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw new Error(`--${name} ${values[name]} is not a whole number of 1 or more.`)
  }
  const parts = values.parts.split(',')
  const unknown = parts.find((one) => !known.includes(one))
  if (unknown !== undefined) {
    throw new Error(
      `--parts ${values.parts}: unknown part "${unknown}". Name one or more of ${known.join(', ')}.`,
    )
  }
  return {
    images: whole('images'),
    rounds: whole('rounds'),
    warmUp: whole('warm-up'),
    queued: whole('queued'),
    uploadBytes: whole('upload-mib') * 1024 * 1024,
    parts,
    json: values.json,
  }
}

/** The same, for a program: what cannot be used ends it with a line about it and code 2. */
export function optionsOrExit(args: readonly string[], known: readonly string[]): BenchOptions {
  try {
    return readOptions(args, known)
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n  remedy   See ./pixelflow bench --help.\n`)
    return process.exit(2)
  }
}
