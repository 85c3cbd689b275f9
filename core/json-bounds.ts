import { Fault } from './fault.ts'

/**
 * Limits of the structure of a caller's data, independent of its length. Parsers and schemas take time for each key and
 * level, so these limits are checked first. They exceed the largest recipe, which has 16 outputs of 32 steps.
 */
export const jsonBounds = {
  /** Nesting depth of lists and objects. */
  depth: 16,
  /** Keys of one object. */
  keys: 256,
  /** All values, including lists and objects. */
  values: 16_384,
} as const

/** Most bytes of JSON, and of other data besides images, in one call. */
export const largestJsonBytes = 1024 * 1024

export type StructureCode = 'invalid_request' | 'invalid_recipe'

/**
 * Checks JSON text before it is parsed. Invalid JSON may pass; the parser reports it.
 * @throws Fault that names the limit.
 */
export function requireBoundedJson(text: Uint8Array, code: StructureCode = 'invalid_request'): void {
  /** Keys counted so far in each open object; 0 for lists. */
  const keys: number[] = []
  let values = 0
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case quote:
        at = endOfString(text, at)
        break
      case openBrace:
      case openBracket:
        if (keys.push(0) > jsonBounds.depth) throw tooDeep(code)
        values += 1
        break
      case closeBrace:
      case closeBracket:
        keys.pop()
        break
      case comma:
        values += 1
        break
      case colon: {
        const count = (keys.at(-1) ?? 0) + 1
        if (count > jsonBounds.keys) throw tooManyKeys(code)
        keys[Math.max(0, keys.length - 1)] = count
        break
      }
      default:
    }
    if (values > jsonBounds.values) throw tooManyValues(code)
  }
}

/** Checks a parsed value. @throws Fault that names the limit. */
export function requireBounded(value: unknown, code: StructureCode = 'invalid_request'): void {
  let values = 0
  const check = (one: unknown, depth: number): void => {
    if (typeof one !== 'object' || one === null) return
    if (depth > jsonBounds.depth) throw tooDeep(code)
    values += 1
    let keys = 0
    for (const key in one) {
      if (!Object.hasOwn(one, key)) continue
      keys += 1
      if (keys > jsonBounds.keys && !Array.isArray(one)) throw tooManyKeys(code)
      if ((values += 1) > jsonBounds.values) throw tooManyValues(code)
      check((one as Record<string, unknown>)[key], depth + 1)
    }
  }
  check(value, 1)
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Index of the quote that ends the string starting at `start`; the length of the text if none does. */
function endOfString(text: Uint8Array, start: number): number {
  for (let end = text.indexOf(quote, start + 1); end >= 0; end = text.indexOf(quote, end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === backslash) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

function tooDeep(code: StructureCode): Fault {
  return new Fault(code, `The data has more than ${jsonBounds.depth} levels of lists and objects.`, {
    remedy: `Nest at most ${jsonBounds.depth} levels.`,
  })
}

function tooManyKeys(code: StructureCode): Fault {
  return new Fault(code, `An object in the data has more than ${jsonBounds.keys} keys.`, {
    remedy: `Send at most ${jsonBounds.keys} keys in one object.`,
  })
}

function tooManyValues(code: StructureCode): Fault {
  return new Fault(code, `The data has more than ${jsonBounds.values} values.`, {
    remedy: `Send at most ${jsonBounds.values} values in one message.`,
  })
}
