import type { Rule } from './style.ts'

/** What of an element it depends on how long finding its rules takes. */
export interface Placed {
  readonly parent?: Placed
  readonly children: readonly unknown[]
}

/**
 * How many elements are looked at when each rule is held against each element: also those around it, those beside it,
 * which come to half the square of all of them, or those beside the ones around it, as selectors ask for them.
 */
export function looksOf(rules: readonly Rule[], parts: readonly Placed[]): number {
  const asked = rules.map(({ selector, selectors }) => ({ selectors, ...askedBy(selector) }))
  const isFarLooked = asked.some(({ isAround, isBeside }) => isAround || isBeside)
  let around = 0
  let beside = 0
  let besideAround = 0
  for (const { parent, children } of isFarLooked ? parts : []) {
    beside += children.length ** 2 / 2
    for (let outer = parent; outer !== undefined; outer = outer.parent) {
      around += 1
      besideAround += outer.children.length
    }
  }
  return asked.reduce((sum, { selectors, isAround, isBeside }) => {
    const besides = isAround ? besideAround : beside
    return sum + selectors * (parts.length + (isAround ? around : 0) + (isBeside ? besides : 0))
  }, 0)
}

function askedBy(selector: string) {
  const bare = selector.replaceAll(/"[^"]*"|'[^']*'/g, '').replaceAll(/\[[^\]]*\]/g, '')
  return {
    isAround: /[^\s,>+~][\s>]+[^\s,>+~]/.test(bare),
    isBeside: /~|:nth-|-of-type/i.test(bare),
  }
}
