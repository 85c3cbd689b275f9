import { describedPattern } from '../validation/described-pattern.ts'
import { outputNamePattern } from './output-names.ts'

/** Name of an output: safe as a path segment, a part of an object's name and a file name. */
export const outputName = describedPattern(
  outputNamePattern,
  'the name of an output (1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit)',
)
