import type { Rule } from './parse-declarations.ts'

/** What of an element determines the cost of matching rules. */
export interface SelectorTarget {
  readonly parent?: SelectorTarget
  readonly children: readonly SelectorTarget[]
  readonly classes: readonly string[]
}

/**
 * Number of tests when every rule is matched against every element. Descendant selectors also test ancestors, sibling
 * selectors test siblings (half the square of their number), and combinations test siblings of ancestors. An element
 * with many classes counts several times, and so does a selector with many.
 */
export function computeSelectorCost(rules: readonly Rule[], parts: readonly SelectorTarget[]): number {
  const asked = rules.map(askedBy)
  const isFarLooked = asked.some(({ isAround, isBeside }) => isAround || isBeside)
  const each = sizeOfAll(parts)
  let around = 0
  let beside = 0
  let besideAround = 0
  if (isFarLooked) {
    const within = new Map(parts.map((part) => [part, sizeOfAll(part.children)]))
    for (const part of parts) {
      beside += ((within.get(part) ?? 0) * part.children.length) / 2
      for (let outer = part.parent; outer !== undefined; outer = outer.parent) {
        around += sizeOf(outer)
        besideAround += within.get(outer) ?? 0
      }
    }
  }
  return asked.reduce((sum, { times, isAround, isBeside }) => {
    const besides = isAround ? besideAround : beside
    return sum + times * (each + (isAround ? around : 0) + (isBeside ? besides : 0))
  }, 0)
}

function sizeOf({ classes }: SelectorTarget): number {
  return Math.max(1, classes.length / 10)
}

function sizeOfAll(parts: readonly SelectorTarget[]): number {
  return parts.reduce((sum, part) => sum + sizeOf(part), 0)
}

function askedBy({ selector, selectors }: Rule) {
  const bare = selector.replaceAll(/"[^"]*"|'[^']*'/g, '').replaceAll(/\[[^\]]*\]/g, '')
  return {
    times: Math.max(selectors, bare.split('.').length - 1),
    isAround: /[^\s,>+~][\s>]+[^\s,>+~]/.test(bare),
    isBeside: /~|:nth-|-of-type/i.test(bare),
  }
}
