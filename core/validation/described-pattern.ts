import { z } from 'zod'

const allowedTexts = new Map<string, string>()

/**
 * A string schema with a regular expression and its description, which error messages use.
 * @param allowed the allowed text as a noun phrase: `an account id (1 to 64 of a-z, 0-9, _ and -)`
 */
export function describedPattern(pattern: RegExp, allowed: string) {
  allowedTexts.set(pattern.source, allowed)
  return z.string().regex(pattern, `must be ${allowed}`)
}

/** The description of a pattern; undefined unless it was declared with `describedPattern`. */
export function describePattern(pattern: string): string | undefined {
  return allowedTexts.get(pattern)
}
