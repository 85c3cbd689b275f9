import { elements } from './allow-list.ts'

/**
 * How often all pixels are gone over for one element by itself, in passes of a small blur, about 0.1 µs a pixel.
 * Measured: what an element costs that is not listed here is nothing beside it.
 */
export function countLayers(tag: string, attribute: (name: string) => string | undefined): number {
  switch (tag) {
    case 'feMorphology':
      return 10 + 2 * Math.min(15, greatest(attribute('radius')))
    case 'feConvolveMatrix':
      return 1 + greatest(attribute('order') ?? '3') ** 2 / 10
    case 'feTurbulence':
      return 1 + Math.min(5, greatest(attribute('numOctaves')))
    default:
      return elements.filterPrimitives.has(tag) ? 1 : 0
  }
}

/** Of the numbers in an attribute. */
function greatest(text = ''): number {
  return Math.max(
    0,
    ...text
      .split(/[\s,]+/)
      .slice(0, 4)
      .map((one) => Number.parseFloat(one) || 0),
  )
}
