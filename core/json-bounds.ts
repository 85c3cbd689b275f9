import { Fault } from './fault.ts'

/**
 * How much structure data of a caller may have, whatever its length is. Far more than any recipe needs: the largest has
 * sixteen outputs of 32 steps. Parsers and schemas take time for each key and each level, so this is checked before them.
 */
export const jsonBounds = {
  /** Levels of lists and objects inside each other. */
  depth: 16,
  /** Keys of one object. */
  keys: 256,
  /** Values in all, lists and objects included. */
  values: 16_384,
} as const

/** Bytes of JSON, and of anything else that a call carries besides images: far more than the largest recipe has. */
export const largestJsonBytes = 1024 * 1024

export type StructureCode = 'invalid_request' | 'invalid_recipe'

/**
 * Looks at JSON text before it is parsed. What is not JSON may pass; the parser says so.
 * @throws Fault that names the bound.
 */
export function requireBoundedJson(text: Uint8Array, code: StructureCode = 'invalid_request'): void {
  /** Keys so far, of the objects that are open; lists have none. */
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

/** The same of a value that is there already. @throws Fault that names the bound. */
export function requireBounded(value: unknown, code: StructureCode = 'invalid_request'): void {
  let values = 0
  const visit = (one: unknown, depth: number): void => {
    if (typeof one !== 'object' || one === null) return
    if (depth > jsonBounds.depth) throw tooDeep(code)
    values += 1
    let keys = 0
    for (const key in one) {
      if (!Object.hasOwn(one, key)) continue
      keys += 1
      if (keys > jsonBounds.keys && !Array.isArray(one)) throw tooManyKeys(code)
      if ((values += 1) > jsonBounds.values) throw tooManyValues(code)
      visit((one as Record<string, unknown>)[key], depth + 1)
    }
  }
  visit(value, 1)
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Where the string ends that begins at `start`; the end of the text where it does not end. */
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
