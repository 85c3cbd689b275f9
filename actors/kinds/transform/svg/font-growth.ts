import { svgLimits } from './svg-limits.ts'

/** Pixels, or for relative ones the size around, in each unit; rounded up. */
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
 * How many times the size around a `font-size`, or a `font`, at most is; 1 for one that does not depend on it. Undefined
 * when it is larger than any: the libraries that draw letters fall over sizes that do not fit into 16 bits.
 */
export function fontGrowth(value: string): number | undefined {
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
