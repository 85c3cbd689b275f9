import { allowList } from './allow-list.ts'

const { functions } = allowList

/** Characters of ids; none of them has a meaning in CSS or URLs. */
const idPattern = String.raw`[^%\s"'()\\<>&{};@*]{1,256}`

const localUrl = new RegExp(String.raw`^\s*#(${idPattern})\s*$`)
const wholeId = new RegExp(`^${idPattern}$`)

/** The id of a URL that refers to the same file. */
export function parseLocalId(href: string): string | undefined {
  return localUrl.exec(href)?.[1]
}

export function isId(text: string): boolean {
  return wholeId.test(text)
}

/** A safe property value and its references. */
export interface SafeValue {
  readonly text: string
  /** Referenced ids. */
  readonly ids: readonly string[]
  /** Number of filter functions such as `blur(2px)`. */
  readonly filters: number
}

const reference = new RegExp(
  String.raw`(?<![\w\u0080-\uFFFF-])url\(\s*(?:"#(${idPattern})"|'#(${idPattern})'|#(${idPattern}))\s*\)`,
  'gi',
)
const filterFunction =
  /\b(?:blur|brightness|contrast|drop-shadow|grayscale|hue-rotate|invert|opacity|saturate|sepia)\(/gi

/** What may end a value, start another, or hide one: braces, rules, comments. */
const forbidden = /[{}<>@;]|\/\*/

/** Values without any special character; the fast path. */
const plain = /^[\w #.,%+!-]*$/

/**
 * The value, when every URL is the id of an element and every function is allowed. Backslash escapes are rejected,
 * because they can hide both.
 */
export function sanitiseValue(value: string): SafeValue | undefined {
  if (plain.test(value)) return { text: value, ids: [], filters: 0 }
  const text = joinLines(value)
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

/** Replaces line breaks: they end a string in CSS, but not in every parser. */
export function joinLines(text: string): string {
  return text.replaceAll(/[\n\r\f]/g, ' ')
}

/** Whether all strings and brackets are closed, so that the text after the value stays outside. */
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

/** An image in a data URL. */
export interface Embedded {
  readonly bytes: Buffer
}

const dataUrl = /^\s*data:image\/(?:png|jpe?g|pjpeg|webp|gif)\s*(?:;[\w-]+=[\w-]+)*;base64\s*,/i

/** Undefined for other URLs. The bytes are checked later. */
export function parseDataUrl(href: string): Embedded | undefined {
  const [start] = dataUrl.exec(href.slice(0, 200)) ?? []
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

/** Escapes text for XML content and double-quoted attributes. */
export function escapeXml(text: string): string {
  return /[&<>"\t\n\r]/.test(text) ? text.replaceAll(/[&<>"\t\n\r]/g, (one) => escapes[one] ?? '') : text
}
