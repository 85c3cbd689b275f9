import type { JsonSchema } from './json-schema.ts'
import { describePattern } from './described-pattern.ts'

/** Formats of text, and what a value of each is. */
const formats: Readonly<Record<string, string>> = {
  color: 'a colour such as #ffcc00, white or transparent',
  'image-id': 'the id of an image',
  'task-id': 'the id of a task',
  'dead-letter-id': 'the id of a dead letter',
}

/** Describes the values that a schema allows, as a noun phrase: `a number from 0.3 to 250`. */
export function describeAllowed(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`
  if (schema.format !== undefined && Object.hasOwn(formats, schema.format))
    return formats[schema.format] ?? ''
  const options = schema.anyOf ?? schema.oneOf
  if (options !== undefined) {
    const described = options.filter((one) => Object.keys(one).length > 0).map(describeAllowed)
    return [...new Set(described)].join(' or ')
  }
  switch (schema.type) {
    case 'integer':
      return `a whole number${rangeOf(schema)}`
    case 'number':
      return `a number${rangeOf(schema)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return textOf(schema)
    case 'object':
      return 'an object'
    case 'array':
      return schema.maxItems === undefined ? 'a list' : `a list of at most ${schema.maxItems}`
    case 'null':
      return 'null'
    default:
      return 'another value'
  }
}

function rangeOf({ minimum, maximum, multipleOf }: JsonSchema): string {
  const steps = multipleOf === undefined ? '' : ` that is a multiple of ${multipleOf}`
  if (minimum !== undefined && maximum !== undefined) return `${steps} from ${minimum} to ${maximum}`
  if (minimum !== undefined) return `${steps} of ${minimum} or more`
  return maximum === undefined ? steps : `${steps} of ${maximum} or less`
}

function textOf({ pattern, maxLength }: JsonSchema): string {
  if (pattern !== undefined) return describePattern(pattern) ?? `text like ${pattern}`
  return maxLength === undefined ? 'text' : `text of at most ${maxLength} characters`
}
