import { expect, test } from 'bun:test'
import { computeSelectorCost, type SelectorTarget } from './compute-selector-cost.ts'

/** Three levels: one element, ten children, and ten children of each. */
const parts: SelectorTarget[] = []
const add = (levels: number, parent?: SelectorTarget) => {
  const children: SelectorTarget[] = []
  const part = { children, classes: ['a', 'b'], ...(parent === undefined ? {} : { parent }) }
  parts.push(part)
  if (levels > 0) for (let i = 0; i < 10; i += 1) children.push(add(levels - 1, part))
  return part
}
add(2)

const around = 10 * 1 + 100 * 2
const beside = 11 * (10 ** 2 / 2)
const besideAround = 10 * 10 + 100 * 20

test.each([
  ['a', 111],
  ['a.b#c:hover, d', 2 * 111],
  ['a[b~="c d"]', 111],
  ['a + b', 111],
  ['a b', 111 + around],
  ['a>b', 111 + around],
  ['a~b', 111 + beside],
  ['a:nth-child(2n)', 111 + beside],
  ['a:first-of-type', 111 + beside],
  ['a ~ b c', 111 + around + besideAround],
  ['.a.b.c, .d', 4 * 111],
])('%s: %d elements are looked at', (selector, looks) => {
  const rule = { selector, selectors: selector.split(',').length, declarations: [] }
  expect(computeSelectorCost([rule], parts)).toBe(looks)
  expect(computeSelectorCost([rule, rule], parts)).toBe(2 * looks)
})

test('many classes count as several elements', () => {
  const rule = { selector: '.a', selectors: 1, declarations: [] }
  const classes = Array.from({ length: 50 }, () => 'a')
  expect(computeSelectorCost([rule], [{ children: [], classes }])).toBe(5)
})
