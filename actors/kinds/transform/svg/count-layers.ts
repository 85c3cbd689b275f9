import { allowList } from './allow-list.ts'

const { elements } = allowList

/**
 * Number of full-image passes of a filter primitive; the unit is a small blur, of about 0.1 µs per pixel. The cost of
 * elements that are not listed is negligible, as measured.
 */
export function countLayers(tag: string, attribute: (name: string) => string | undefined): number {
  switch (tag) {
    case 'feMorphology':
      return 10 + 2 * Math.min(15, findGreatest(attribute('radius')))
    case 'feConvolveMatrix':
      return 1 + findGreatest(attribute('order') ?? '3') ** 2 / 10
    case 'feTurbulence':
      return 1 + Math.min(5, findGreatest(attribute('numOctaves')))
    default:
      return elements.filterPrimitives.has(tag) ? 1 : 0
  }
}

/** The largest number in an attribute. */
function findGreatest(text = ''): number {
  return Math.max(
    0,
    ...text
      .split(/[\s,]+/)
      .slice(0, 4)
      .map((one) => Number.parseFloat(one) || 0),
  )
}
