import { svgLimits } from './svg-limits.ts'

/** Pixels by absolute unit, rounded up; and multiples of the inherited size by relative unit. */
const absolute: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  q: 1,
  pt: 1.4,
  pc: 16,
  mm: 3.8,
  cm: 38,
  in: 96,
}
const relative: Readonly<Record<string, number>> = { '%': 0.01, em: 1, rem: 1, ex: 1, ch: 1 }

/**
 * The largest factor by which a `font-size` or `font` value multiplies the inherited size; 1 when it does not depend on
 * it. Undefined when a size exceeds the limit: text rendering libraries crash on sizes beyond 16 bits.
 */
export function computeFontGrowth(value: string): number | undefined {
  const bare = value.replaceAll(/"[^"]*"|'[^']*'/g, '')
  let growth = /larger/i.test(bare) ? 1.2 : 1
  for (const [, number, unit = ''] of bare.matchAll(/((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%|[a-z]*)/gi)) {
    const name = unit.toLowerCase()
    const times = relative[name]
    const pixels = Number(number) * (absolute[name] ?? 1)
    if (times !== undefined) growth = Math.max(growth, Number(number) * times)
    else if (absolute[name] === undefined || !(pixels <= svgLimits.fontSize)) return undefined
  }
  return growth <= svgLimits.fontGrowth ? growth : undefined
}
