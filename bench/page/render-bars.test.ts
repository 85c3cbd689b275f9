import { expect, test } from 'bun:test'
import { renderBars } from './render-bars.ts'

test('bars have a text alternative, a legend, and lengths in proportion', () => {
  const svg = renderBars({
    title: 'CPU <time>',
    unit: 'ms',
    bars: [
      { name: 'one', parts: { gateway: 3, actor: 1 } },
      { name: 'other', parts: { gateway: 1 } },
    ],
  })
  expect(svg).toContain('<title>CPU &lt;time&gt;</title>')
  expect(svg).toContain('<desc>one: gateway 3.0, actor 1.0 ms. other: gateway 1.0 ms</desc>')
  const widths = [...svg.matchAll(/width="([\d.]+)" height="22"/g)].map(([, width]) => Number(width))
  expect(widths).toEqual([345, 115, 115])
})
