import { allowList } from './allow-list.ts'
import { computeFontGrowth } from './compute-font-growth.ts'
import { svgLimits, svgLimitExceeded } from './svg-limits.ts'
import { isBalanced, joinLines, sanitiseValue } from './sanitise-value.ts'

const { properties } = allowList

/** A property with a value that refers to nothing outside the file. */
export interface Declaration {
  readonly property: string
  readonly value: string
  readonly ids: readonly string[]
  readonly filters: number
  /** Factor of the font size over the inherited size. */
  readonly growth: number
}

export interface Rule {
  readonly selector: string
  /** Upper bound of the number of selectors. */
  readonly selectors: number
  readonly declarations: readonly Declaration[]
}

/** The allowed declarations of a `style` attribute or a rule. */
export function parseDeclarations(text: string): Declaration[] {
  return split(withoutComments(joinLines(text)), ';').flatMap((one) => {
    const colon = one.indexOf(':')
    const property = one.slice(0, Math.max(0, colon)).trim().toLowerCase()
    if (!properties.has(property)) return []
    const found = parseDeclaration(property, one.slice(colon + 1).trim())
    return found === undefined ? [] : [found]
  })
}

/** Undefined when the value is not allowed. */
export function parseDeclaration(property: string, text: string): Declaration | undefined {
  const safe = sanitiseValue(text)
  const growth = property === 'font-size' || property === 'font' ? computeFontGrowth(safe?.text ?? '') : 1
  if (safe === undefined || growth === undefined) return undefined
  return { property, value: safe.text, ids: safe.ids, filters: safe.filters, growth }
}

export function formatDeclarations(declarations: readonly Declaration[]): string {
  return declarations.map(({ property, value }) => `${property}:${value}`).join(';')
}

/** The style rules of a sheet. At-rules are dropped, above all `@import` and `@font-face`. */
export function parseRules(sheet: string): Rule[] {
  const text = withoutComments(joinLines(sheet)).replaceAll(/<!--|-->/g, ' ')
  const rules: Rule[] = []
  for (let at = 0; at < text.length;) {
    const stop = find(text, at, '{;')
    const prelude = text.slice(at, stop).trim()
    if (text[stop] !== '{') {
      at = stop + 1
      continue
    }
    const end = findBlockEnd(text, stop)
    const inside = text.slice(stop + 1, end)
    at = end + 1
    if (!isSelector(prelude) || inside.includes('{')) continue
    // A rule may apply at several levels of nesting, so the factor of a relative font size has no bound.
    const declarations = parseDeclarations(inside).filter(({ growth }) => growth <= 1)
    if (declarations.length > 0)
      rules.push({ selector: prelude, selectors: prelude.split(',').length, declarations })
    if (rules.length > svgLimits.rules) throw svgLimitExceeded(`has more than ${svgLimits.rules} style rules`)
  }
  return rules
}

/** Comments are removed first, since they may be anywhere and hide what is around them. */
function withoutComments(text: string): string {
  return text.includes('/*') ? text.replaceAll(/\/\*[\s\S]*?(?:\*\/|$)/g, ' ') : text
}

function isSelector(text: string): boolean {
  const isPlain = text.length < 2000 && /^[\p{L}\p{N}_\s.#*,>+~:()="'[\]^$|-]+$/u.test(text)
  return isPlain && isBalanced(text) && !/url\s*\(/i.test(text)
}

/** Index of the next of these characters outside strings and brackets; else the end. */
function find(text: string, from: number, wanted: string): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"' || char === "'") {
      const close = text.indexOf(char, at + 1)
      if (close === -1) return text.length
      at = close
    } else if (char === '(') depth += 1
    else if (char === ')') depth = Math.max(0, depth - 1)
    else if (depth === 0 && wanted.includes(char)) return at
  }
  return text.length
}

/** Index where the block that starts here ends; else the end of the text. */
function findBlockEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at = find(text, at + 1, '{}')) {
    depth += text[at] === '{' ? 1 : -1
    if (depth === 0) return at
  }
  return text.length
}

function split(text: string, mark: string): string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length;) {
    const end = find(text, at, mark)
    parts.push(text.slice(at, end))
    at = end + 1
  }
  return parts
}
