import { shorten } from '@pixelflow/core/shorten'

/** A header value with parameters, such as `form-data; name="file"`. */
export interface ParameterizedValue {
  /** The text before the first semicolon, in lower case. */
  readonly value: string
  /** By name in lower case. A parameter without a value has the value ''. */
  readonly parameters: ReadonlyMap<string, string>
}

/** The header value is malformed; the message is public. */
export class ParameterError extends Error {}

const name = /[ \t]*([^\s=;"]*)[ \t]*/y
/** With `\"` and `\\` as escapes, as Go, curl and Apache HttpClient write them. */
const escaped = /"((?:[^"\\]|\\.)*)"[ \t]*(?=;|$)/y
/** With a literal backslash: browsers write the name `a\` as `"a\"`. */
const literal = /"([^"]*)"[ \t]*(?=;|$)/y
const unquoted = /[^;]*/y

/**
 * Parses `value; name=value; name="value"` as leniently as is unambiguous: empty parameters, parameters without a value
 * and unquoted values with spaces are accepted. The caller has to refuse control characters.
 * @param subject the header, as the subject of an error message
 * @throws ParameterError
 */
export function parseParameters(text: string, subject: string): ParameterizedValue {
  const semicolon = text.indexOf(';')
  const value = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase()
  const parameters = new Map<string, string>()
  let at = semicolon < 0 ? text.length : semicolon
  /** Matches a pattern at the current position and advances past it. */
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at = pattern.lastIndex
    return found?.[1] ?? found?.[0]
  }

  while (at < text.length) {
    if (text[at] !== ';') throw malformed(`has ${quote(text.slice(at))} where ";" is expected`)
    at += 1
    const key = take(name)?.trim().toLowerCase() ?? ''
    if (text[at] !== '=') {
      if (key !== '') add(key, '')
      continue
    }
    at += 1
    while (text[at] === ' ' || text[at] === '\t') at += 1
    if (text[at] !== '"') {
      add(key, take(unquoted)?.trim() ?? '')
      continue
    }
    const quoted = take(escaped)?.replace(/\\(["\\])/g, '$1') ?? take(literal)
    if (quoted === undefined) throw malformed(`has no closing quote after ${quote(`${key}=`)}`)
    add(key, quoted)
  }
  return { value, parameters }

  function add(key: string, content: string): void {
    if (key === '') throw malformed('has a parameter without a name')
    if (parameters.has(key)) throw malformed(`has the parameter ${quote(key)} twice`)
    parameters.set(key, content)
  }

  function malformed(problem: string): ParameterError {
    return new ParameterError(`${subject} ${problem}.`)
  }
}

function quote(text: string): string {
  return `"${shorten(text, 32)}"`
}
