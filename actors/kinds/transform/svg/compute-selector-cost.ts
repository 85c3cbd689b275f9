import type { Rule } from './parse-declarations.ts'

/** The properties of an element that determine the cost of matching rules. */
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
  const tests = rules.map(testsOf)
  const testsOthers = tests.some(({ ancestors, siblings }) => ancestors || siblings)
  const each = sizeOfAll(parts)
  let ancestorTests = 0
  let siblingTests = 0
  let ancestorSiblingTests = 0
  if (testsOthers) {
    const within = new Map(parts.map((part) => [part, sizeOfAll(part.children)]))
    for (const part of parts) {
      siblingTests += ((within.get(part) ?? 0) * part.children.length) / 2
      for (let outer = part.parent; outer !== undefined; outer = outer.parent) {
        ancestorTests += sizeOf(outer)
        ancestorSiblingTests += within.get(outer) ?? 0
      }
    }
  }
  return tests.reduce((sum, { times, ancestors, siblings }) => {
    const allSiblings = ancestors ? ancestorSiblingTests : siblingTests
    return sum + times * (each + (ancestors ? ancestorTests : 0) + (siblings ? allSiblings : 0))
  }, 0)
}

function sizeOf({ classes }: SelectorTarget): number {
  return Math.max(1, classes.length / 10)
}

function sizeOfAll(parts: readonly SelectorTarget[]): number {
  return parts.reduce((sum, part) => sum + sizeOf(part), 0)
}

/** What a rule tests besides the element itself. */
function testsOf({ selector, selectors }: Rule) {
  const bare = selector.replaceAll(/"[^"]*"|'[^']*'/g, '').replaceAll(/\[[^\]]*\]/g, '')
  return {
    times: Math.max(selectors, bare.split('.').length - 1),
    ancestors: /[^\s,>+~][\s>]+[^\s,>+~]/.test(bare),
    siblings: /~|:nth-|-of-type/i.test(bare),
  }
}
