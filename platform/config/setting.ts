/** One setting: the environment variable it is read from, how its text becomes a value, and what it is for. */
export interface Setting<T> {
  /** Name of the environment variable. */
  readonly env: string
  /** One line of help: what it does. */
  readonly help: string
  /** The format of a value, for messages and documents, e.g. `a size such as 512MiB`. */
  readonly expects: string
  /** The value when the variable is not set. */
  readonly fallback: T
  /** What documents show as the default where `fallback` depends on the machine. */
  readonly shownFallback?: string
  /** A secret is never printed, and can also be given in the file that `<env>_FILE` names. */
  readonly secret: boolean
  /** @throws Error whose message is the problem, as in "is below 1". */
  parse(text: string): T
  /** The value as it is written in the environment. */
  print(value: T): string
}

/** What the declaration of a setting contains, for every kind. */
export interface Declared<T> {
  readonly fallback: T
  readonly help: string
  readonly shownFallback?: string
}

/** What a kind of setting adds to the declaration. */
interface Kind<T> {
  readonly expects: string
  parse(text: string): T
  print(value: T): string
  readonly secret?: boolean
}

function setting<T, F>(env: string, { secret = false, ...kind }: Kind<T>, declared: Declared<F>) {
  const print = (value: T | F) => (value === undefined ? '' : kind.print(value as T))
  const made: Setting<T | F> = { env, ...declared, ...kind, secret, print }
  return made
}

interface Bounds {
  /** Smallest value allowed. */
  readonly min?: number
  /** Largest value allowed. */
  readonly max?: number
}

/** A size in bytes: `512MiB`, `1.5GB`, or a plain number. */
export function bytes<F>(env: string, declared: Declared<F> & Bounds): Setting<number | F> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = declared
  const kind: Kind<number> = {
    expects: 'a size such as 512MiB or 2GB, or a number of bytes',
    parse: (text) => within(scaled(text, byteUnits), min, max, printBytes),
    print: printBytes,
  }
  return setting(env, kind, declared)
}

/** A span of time in milliseconds: `250ms`, `90s`, `1.5h`, `7d`, or a plain number. */
export function duration<F>(env: string, declared: Declared<F> & Bounds): Setting<number | F> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = declared
  const kind: Kind<number> = {
    expects: 'a duration such as 250ms, 90s, 5m, 12h or 7d, or a number of milliseconds',
    parse: (text) => within(scaled(text, timeUnits), min, max, printDuration),
    print: printDuration,
  }
  return setting(env, kind, declared)
}

/** A whole number from `min` to `max`. */
export function integer<F>(env: string, declared: Declared<F> & Bounds): Setting<number | F> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = declared
  const kind: Kind<number> = {
    expects:
      max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number, ${min} to ${max}`,
    parse(text) {
      if (!/^-?\d+$/.test(text)) throw new Error('is not a whole number')
      return within(Number(text), min, max, String)
    },
    print: String,
  }
  return setting(env, kind, declared)
}

/** A TCP port to listen on. */
export function port<F>(env: string, declared: Declared<F>): Setting<number | F> {
  return integer(env, { ...declared, min: 0, max: 65_535 })
}

/** One of a few words. */
export function choice<const T extends string, const F>(
  env: string,
  values: readonly T[],
  declared: Declared<F>,
): Setting<T | F> {
  const expects = `one of ${values.join(', ')}`
  const kind: Kind<T> = {
    expects,
    parse(text) {
      const value = values.find((one) => one === text.toLowerCase())
      if (value === undefined) throw new Error('is not one of the allowed words')
      return value
    },
    print: (value) => value,
  }
  return setting(env, kind, declared)
}

/** Yes or no: `1`, `true`, `yes`, `on` or their opposites. */
export function flag(env: string, declared: Declared<boolean>): Setting<boolean> {
  const kind: Kind<boolean> = {
    expects: 'true or false',
    parse(text) {
      if (/^(1|true|yes|on)$/i.test(text)) return true
      if (/^(0|false|no|off)$/i.test(text)) return false
      throw new Error('is neither true nor false')
    },
    print: String,
  }
  return setting(env, kind, declared)
}

/** Any text, optionally of a certain `pattern`. */
export function text<F>(
  env: string,
  declared: Declared<F> & { expects: string; pattern?: RegExp },
): Setting<string | F> {
  const { expects, pattern, ...rest } = declared
  const kind: Kind<string> = { expects, parse: (value) => matching(value, pattern), print: (value) => value }
  return setting(env, kind, rest)
}

/** Texts separated by commas. */
export function list<F>(
  env: string,
  declared: Declared<F> & { expects: string; pattern?: RegExp },
): Setting<readonly string[] | F> {
  const { expects, pattern, ...rest } = declared
  const kind: Kind<readonly string[]> = {
    expects: `${expects}; several separated by commas`,
    parse: (value) => split(value).map((one) => matching(one, pattern)),
    print: (values) => values.join(','),
  }
  return setting(env, kind, rest)
}

/** A text that is redacted in logs; it can also be read from the file that `<env>_FILE` names. */
export function secret(
  env: string,
  declared: { help: string; expects: string },
): Setting<string | undefined> {
  const { expects, ...rest } = declared
  const kind: Kind<string> = { expects, parse: (value) => value, print: () => redacted, secret: true }
  return setting(env, kind, { ...rest, fallback: undefined })
}

/** Replaces secrets wherever settings are shown. */
export const redacted = '[redacted]'

const byteUnits = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}
const timeUnits = { '': 1, ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }

function scaled(text: string, units: Record<string, number>): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text)
  const unit = units[(match?.[2] ?? '?').toLowerCase()]
  if (!match || unit === undefined) {
    throw new Error('is not a number with one of the units ' + Object.keys(units).filter(Boolean).join(', '))
  }
  return Math.round(Number(match[1]) * unit)
}

function within(value: number, min: number, max: number, print: (value: number) => string): number {
  if (value < min) throw new Error(`is below ${print(min)}`)
  if (value > max) throw new Error(`is above ${print(max)}`)
  return value
}

function matching(value: string, pattern: RegExp | undefined): string {
  if (pattern && !pattern.test(value)) throw new Error('has the wrong form')
  return value
}

function split(value: string): string[] {
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function printBytes(value: number): string {
  return printUnits(value, [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ])
}

/** A duration in the largest unit that divides it, e.g. `7d`, `90s`. */
export function printDuration(valueMs: number): string {
  const units: [string, number][] = [
    ['d', 86_400e3],
    ['h', 3600e3],
    ['m', 60e3],
    ['s', 1e3],
  ]
  return (
    printUnits(valueMs, units) + (units.some(([, unit]) => valueMs > 0 && valueMs % unit === 0) ? '' : 'ms')
  )
}

function printUnits(value: number, units: [string, number][]): string {
  const unit = units.find(([, size]) => value > 0 && value % size === 0)
  return unit ? `${value / unit[1]}${unit[0]}` : String(value)
}
