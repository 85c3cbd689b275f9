import { describedPattern } from '../validation/described-pattern.ts'

/** Name of an output: safe as a path segment, a part of an object's name and a file name. */
export const outputName = describedPattern(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  'the name of an output (1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit)',
)

/** The name of the output of a recipe without named outputs. */
export const defaultOutputName = 'default'
