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
  expect(widths).toEqual([330, 110, 110])
})

test('a process has the same colour in every picture, and the client is the last', () => {
  const render = (parts: Record<string, number>) =>
    renderBars({ title: '', unit: 'ms', bars: [{ name: 'one', parts }] })
  const fills = (svg: string) => [...svg.matchAll(/height="22" fill="(#\w+)"/g)].map(([, color]) => color)
  const [gateway, client] = fills(render({ client: 1, gateway: 2 }))
  expect(fills(render({ client: 1, 'redis-server': 2 })).at(-1)).toBe(client)
  expect(fills(render({ gateway: 1 }))).toEqual([gateway])
})

test('a limit is a line and part of the text alternative', () => {
  const svg = renderBars({
    title: '',
    unit: 'MiB',
    bars: [{ name: 'idle', parts: { gateway: 3 }, limit: 6 }],
  })
  expect(svg).toContain('idle: gateway 3.0 MiB, limit 6 MiB')
  expect(svg).toMatch(/<line x1="670" .* x2="670" /)
})

test('bars that are named after their only part need no legend', () => {
  const bars = [{ name: 'gateway', parts: { gateway: 3 } }]
  expect(renderBars({ title: '', unit: 'ms', bars }).match(/>gateway</g)).toHaveLength(1)
})
