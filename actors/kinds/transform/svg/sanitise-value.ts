import { functions } from './allow-list.ts'

/** What ids may be made of: nothing that means something to CSS inside or outside of an address. */
const idPattern = String.raw`[^%\s"'()\\<>&{};@*]{1,256}`

const localAddress = new RegExp(String.raw`^\s*#(${idPattern})\s*$`)
const wholeId = new RegExp(`^${idPattern}$`)

/** Id of the element that an address leads to, when that is in the same file. */
export function parseLocalId(href: string): string | undefined {
  return localAddress.exec(href)?.[1]
}

export function isId(text: string): boolean {
  return wholeId.test(text)
}

/** A value of a property that is safe to hand on, and what it refers to. */
export interface SafeValue {
  readonly text: string
  /** Ids of elements. */
  readonly ids: readonly string[]
  /** How many filters it names that are not elements, such as `blur(2px)`. */
  readonly filters: number
}

const reference = new RegExp(
  String.raw`(?<![\w\u0080-\uFFFF-])url\(\s*(?:"#(${idPattern})"|'#(${idPattern})'|#(${idPattern}))\s*\)`,
  'gi',
)
const filterFunction =
  /\b(?:blur|brightness|contrast|drop-shadow|grayscale|hue-rotate|invert|opacity|saturate|sepia)\(/gi

/** What ends a value, begins another, or hides one: braces, rules, comments. */
const forbidden = /[{}<>@;]|\/\*/

/** Most values: words, numbers and colours. */
const plain = /^[\w #.,%+!-]*$/

/**
 * The value, when nothing in it leads out of the file: every address is the id of an element, every function is known,
 * and nothing is formatDeclarations with backslashes, which hide both.
 */
export function sanitiseValue(said: string): SafeValue | undefined {
  if (plain.test(said)) return { text: said, ids: [], filters: 0 }
  const text = joinLines(said)
  if (text.includes('\\') || !isBalanced(text)) return undefined
  if (!text.includes('(')) return forbidden.test(text) ? undefined : { text, ids: [], filters: 0 }
  const ids: string[] = []
  const rest = text.replaceAll(reference, (_, double?: string, single?: string, bare?: string) => {
    ids.push(double ?? single ?? bare ?? '')
    return ' '
  })
  if (forbidden.test(rest)) return undefined
  for (const [, name = ''] of rest.matchAll(/([\w-]*)\(/g)) {
    if (!functions.has(name.toLowerCase())) return undefined
  }
  return { text, ids, filters: rest.match(filterFunction)?.length ?? 0 }
}

/** The same on one line: a line's end also ends a string, but for those who read it otherwise. */
export function joinLines(text: string): string {
  return text.replaceAll(/[\n\r\f]/g, ' ')
}

/** Whether every string and bracket that begins in it ends in it, so that nothing after it can be drawn in. */
export function isBalanced(text: string): boolean {
  const bare = text.replaceAll(/"[^"]*"|'[^']*'/g, '')
  if (/["']/.test(bare)) return false
  let depth = 0
  for (const [bracket] of bare.matchAll(/[()[\]]/g)) {
    depth += bracket === '(' || bracket === '[' ? 1 : -1
    if (depth < 0) return false
  }
  return depth === 0
}

/** A picture that stands in the file itself. */
export interface Embedded {
  readonly bytes: Buffer
}

const dataAddress = /^\s*data:image\/(?:png|jpe?g|pjpeg|webp|gif)\s*(?:;[\w-]+=[\w-]+)*;base64\s*,/i

/** Undefined for every other address. What the bytes are is looked at later. */
export function parseDataUrl(href: string): Embedded | undefined {
  const [start] = dataAddress.exec(href.slice(0, 200)) ?? []
  if (start === undefined) return undefined
  const packed = href.slice(start.length).replaceAll(/\s+/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(packed) ? { bytes: Buffer.from(packed, 'base64') } : undefined
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** As it may stand between tags or in double quotes. */
export function escapeXml(text: string): string {
  return /[&<>"\t\n\r]/.test(text) ? text.replaceAll(/[&<>"\t\n\r]/g, (one) => escapes[one] ?? '') : text
}
