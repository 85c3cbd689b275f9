import { z } from 'zod'

const allowedTexts = new Map<string, string>()

/**
 * Text of a form that a regular expression checks and that callers are told in words.
 * @param allowed what may be given, as a noun: `an account id (1 to 64 of a-z, 0-9, _ and -)`
 */
export function describedPattern(pattern: RegExp, allowed: string) {
  allowedTexts.set(pattern.source, allowed)
  return z.string().regex(pattern, `must be ${allowed}`)
}

/** The words for a pattern of a JSON Schema; undefined for a pattern that was not made by `describedPattern`. */
export function patternDescription(pattern: string): string | undefined {
  return allowedTexts.get(pattern)
}
