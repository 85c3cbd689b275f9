import { expect, test } from 'bun:test'
import { computeSelectorCost, type SelectorTarget } from './compute-selector-cost.ts'

/** Three levels: one element, ten children, and ten children of each. */
const elements: SelectorTarget[] = []
const add = (levels: number, parent?: SelectorTarget) => {
  const children: SelectorTarget[] = []
  const element = { children, classes: ['a', 'b'], ...(parent === undefined ? {} : { parent }) }
  elements.push(element)
  if (levels > 0) for (let i = 0; i < 10; i += 1) children.push(add(levels - 1, element))
  return element
}
add(2)

const ancestorTests = 10 * 1 + 100 * 2
const siblingTests = 11 * (10 ** 2 / 2)
const ancestorSiblingTests = 10 * 10 + 100 * 20

test.each([
  ['a', 111],
  ['a.b#c:hover, d', 2 * 111],
  ['a[b~="c d"]', 111],
  ['a + b', 111],
  ['a b', 111 + ancestorTests],
  ['a>b', 111 + ancestorTests],
  ['a~b', 111 + siblingTests],
  ['a:nth-child(2n)', 111 + siblingTests],
  ['a:first-of-type', 111 + siblingTests],
  ['a ~ b c', 111 + ancestorTests + ancestorSiblingTests],
  ['.a.b.c, .d', 4 * 111],
])('%s: %d elements are tested', (selector, cost) => {
  const rule = { selector, selectors: selector.split(',').length, declarations: [] }
  expect(computeSelectorCost([rule], elements)).toBe(cost)
  expect(computeSelectorCost([rule, rule], elements)).toBe(2 * cost)
})

test('many classes count as several elements', () => {
  const rule = { selector: '.a', selectors: 1, declarations: [] }
  const classes = Array.from({ length: 50 }, () => 'a')
  expect(computeSelectorCost([rule], [{ children: [], classes }])).toBe(5)
})
