import { z } from 'zod'
import { byteSize } from './byte-size.ts'
import {
  boundedNumber,
  describeMeasure,
  numberWithUnit,
  type Bounds,
  type Measure,
} from './number-with-unit.ts'
import { readSecret } from './read-secret.ts'
import { timeSpan } from './time-span.ts'

/**
 * One setting: the environment variable it is read from, the schema that parses the text, and what documents say of it.
 * The message of an issue of the schema completes a sentence that begins with the variable, as in "is below 1". A custom
 * issue can have a remedy and a variable of its own in `params` (`SettingIssue`).
 */
export interface Setting<T> {
  /** Name of the environment variable. */
  readonly env: string
  /** One line of help: what it does. */
  readonly help: string
  /** The format of a value, for messages and documents, e.g. `a size such as 512MiB`. */
  readonly expects: string
  /** The value when the variable is not set. */
  readonly default: T
  /** What documents show as the default where `default` depends on the machine. */
  readonly defaultDescription?: string
  /** The variable of earlier versions; setting it prevents the start. */
  readonly former?: string
  /** A secret is never printed, and can also be given in the file that `<env>_FILE` names. */
  readonly secret: boolean
  /** Parses the text of the variable, or a `SecretSource` for a secret. `undefined` gives the default. */
  readonly schema: z.ZodType<T>
  /** The value as it is written in the environment. */
  print(value: T): string
}

/** What the declaration of a setting contains, for every kind. */
export interface Declared<T> {
  readonly default: T
  readonly help: string
  readonly defaultDescription?: string
  readonly former?: string
}

/** A text, optionally of a certain `pattern`. */
interface Format {
  readonly expects: string
  readonly pattern?: RegExp
  /** What is wrong with a text that does not match `pattern`. */
  readonly describeMismatch?: (text: string) => string
}

/** A size in bytes: `512MiB`, `1.5GB`, or a plain number. */
export function bytes<D>(env: string, declared: Declared<D> & Bounds): Setting<number | D> {
  return measured(env, byteSize, declared)
}

/** A span of time in milliseconds: `250ms`, `90s`, `1.5h`, `7d`, or a plain number. */
export function duration<D>(env: string, declared: Declared<D> & Bounds): Setting<number | D> {
  return measured(env, timeSpan, declared)
}

function measured<D>(
  env: string,
  measure: Measure,
  { min, max, ...declared }: Declared<D> & Bounds,
): Setting<number | D> {
  const { print } = measure
  const expects = describeMeasure(measure, { min, max })
  return setting(env, { expects, schema: numberWithUnit(measure, { min, max }), print }, declared)
}

/** A whole number from `min` to `max`. */
export function integer<D>(
  env: string,
  { min = 0, max, ...declared }: Declared<D> & Bounds,
): Setting<number | D> {
  const schema = z
    .string()
    .regex(/^-?\d+$/, 'is not a whole number')
    .transform(Number)
    .pipe(boundedNumber({ min, max }, String))
  const expects =
    max === undefined ? `a whole number of ${min} or more` : `a whole number from ${min} to ${max}`
  return setting(env, { expects, schema, print: String }, declared)
}

/** A TCP port to listen on. */
export function port<D>(env: string, declared: Declared<D>): Setting<number | D> {
  return integer(env, { ...declared, min: 0, max: 65_535 })
}

/** One of a few words. */
export function choice<const T extends string, const D>(
  env: string,
  values: readonly T[],
  declared: Declared<D>,
): Setting<T | D> {
  const schema = z.string().toLowerCase().pipe(z.enum(values, 'is not valid'))
  return setting(env, { expects: `one of ${values.join(', ')}`, schema, print: String }, declared)
}

/** Yes or no: `1`, `true`, `yes`, `on` or their opposites. */
export function flag(env: string, declared: Declared<boolean>): Setting<boolean> {
  const schema = z.stringbool({
    truthy: ['true', '1', 'yes', 'on'],
    falsy: ['false', '0', 'no', 'off'],
    error: 'is neither true nor false',
  })
  return setting(env, { expects: 'true or false', schema, print: String }, declared)
}

/** Any text, optionally of a certain `pattern`. */
export function text<D>(
  env: string,
  { expects, pattern, describeMismatch, ...declared }: Declared<D> & Format,
): Setting<string | D> {
  return setting(env, { expects, schema: matching(pattern, describeMismatch), print: String }, declared)
}

/** Texts separated by commas. */
export function list<D>(
  env: string,
  { expects, pattern, describeMismatch, ...declared }: Declared<D> & Format,
): Setting<readonly string[] | D> {
  const schema = z
    .string()
    .transform((given) => given.split(',').map((one) => one.trim()))
    .transform((given) => given.filter((one) => one !== ''))
    .pipe(z.array(matching(pattern, describeMismatch)))
  const print = (values: readonly string[]) => values.join(',')
  return setting(env, { expects: `${expects}; several separated by commas`, schema, print }, declared)
}

/** A text that is redacted in logs; it can also be read from the file that `<env>_FILE` names. */
export function secret(
  env: string,
  declared: { readonly help: string; readonly expects: string },
): Setting<string | undefined>
/** The same, parsed by a schema. */
export function secret<T>(
  env: string,
  declared: { readonly help: string; readonly expects: string; readonly schema: z.ZodType<T, string> },
): Setting<T | undefined>
export function secret(
  env: string,
  {
    help,
    expects,
    schema = z.string(),
  }: { readonly help: string; readonly expects: string; readonly schema?: z.ZodType<unknown, string> },
): Setting<unknown> {
  return {
    env,
    help,
    expects,
    default: undefined,
    secret: true,
    schema: readSecret(env).pipe(schema.optional()),
    print: () => redacted,
  }
}

/** Replaces secrets wherever settings are shown. */
export const redacted = '[redacted]'

/** What a kind of setting adds to the declaration. */
interface Kind<T> {
  readonly expects: string
  readonly schema: z.ZodType<T, string>
  print(value: T): string
}

function setting<T, D>(env: string, kind: Kind<T>, declared: Declared<D>): Setting<T | D> {
  const schema = kind.schema.optional().transform((value) => value ?? declared.default)
  const print = (value: T | D) => (value === undefined ? '' : kind.print(value as T))
  return { env, ...declared, expects: kind.expects, secret: false, schema, print }
}

function matching(
  pattern: RegExp | undefined,
  describeMismatch: (text: string) => string = () => 'is not valid',
): z.ZodString {
  if (pattern === undefined) return z.string()
  return z.string().regex(pattern, { error: ({ input }) => describeMismatch(String(input)) })
}
