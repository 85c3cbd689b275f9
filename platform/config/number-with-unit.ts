import { z } from 'zod'

/** A kind of number that is written with a unit, such as a size in bytes. */
export interface Measure {
  /** The format of the text, for messages and documents. */
  readonly expects: string
  /** Each unit, in lower case, in base units. The empty unit is a plain number. */
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
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${names.join('|')})?$`, 'i')
  return z
    .string()
    .regex(pattern, `is not a number with one of the units ${names.join(', ')}`)
    .transform((text) => {
      const [, amount, unit = ''] = pattern.exec(text) ?? []
      return Math.round(Number(amount) * (units[unit.toLowerCase()] ?? Number.NaN))
    })
    .pipe(boundedNumber(bounds, print))
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
