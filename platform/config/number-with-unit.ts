import { z } from 'zod'

/** A kind of number that is written with a unit, such as a size in bytes. */
export interface Measure {
  /** The kind of value, for messages and documents, e.g. `a size`. */
  readonly noun: string
  /** Values in several units, for messages and documents. */
  readonly examples: string
  /** Each unit, as documents write it, in base units. The empty unit is a plain number. */
  readonly units: Readonly<Record<string, number>>
  /** The value as text, in the largest unit that divides it. */
  print(value: number): string
}

/** Least and greatest value of a number. */
export interface Bounds {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

/** A text such as `512MiB`, parsed to a number of base units. */
export function numberWithUnit({ units, print }: Measure, bounds: Bounds): z.ZodType<number, string> {
  const names = Object.keys(units).filter((unit) => unit !== '')
  const sizeOf = new Map(Object.entries(units).map(([unit, size]) => [unit.toLowerCase(), size]))
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${names.join('|')})?$`, 'i')
  return z
    .string()
    .regex(pattern, `is not a number with one of the units ${names.join(', ')}`)
    .transform((text) => {
      const [, amount, unit = ''] = pattern.exec(text) ?? []
      return Math.round(Number(amount) * (sizeOf.get(unit.toLowerCase()) ?? Number.NaN))
    })
    .pipe(boundedNumber(bounds, print))
}

/** The allowed values of a measure: `a size from 1KiB to 64MiB`. */
export function describeMeasure({ noun, examples, print }: Measure, { min = 0, max }: Bounds): string {
  if (max !== undefined) return `${noun} from ${print(min)} to ${print(max)}`
  return min === 0 ? `${noun} such as ${examples}` : `${noun} of ${print(min)} or more, such as ${examples}`
}

/** A number from `min` to `max`, both included. */
export function boundedNumber(
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds,
  print: (value: number) => string,
): z.ZodNumber {
  return z
    .number()
    .min(min, `is below ${print(min)}`)
    .max(max, `is above ${print(max)}`)
}

/** Prints `value` in the first unit that divides it, else without a unit. List the units from large to small. */
export function printIn(units: Readonly<Record<string, number>>, value: number): string {
  for (const [name, size] of Object.entries(units)) {
    if (value > 0 && value % size === 0) return `${value / size}${name}`
  }
  return String(value)
}
