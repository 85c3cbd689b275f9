import { expect, test } from 'bun:test'
import { renderLines } from './render-lines.ts'

test('a curve has a point for each value and a text alternative', () => {
  const svg = renderLines({
    name: 'actors',
    title: 'Actors',
    size: 'actors',
    unit: 'tasks/s',
    points: [
      { size: 1, values: { rate: 10 } },
      { size: 2000, values: { rate: 40, other: 20 } },
    ],
  })
  expect(svg.match(/<circle /g)).toHaveLength(3)
  expect(svg).toContain(
    '<desc>1 actors: rate 10 tasks/s. 2,000 actors: rate 40 tasks/s, other 20 tasks/s</desc>',
  )
})

test('a limit is drawn at its size, if that was measured', () => {
  const curve = { name: 'followers', title: 'Followers', size: 'followers', unit: 'ms' }
  const limits = [{ size: 5000, line: 'p99', limit: 25 }]
  const svg = renderLines({ ...curve, points: [{ size: 5000, values: { p99: 20 } }] }, limits)
  expect(svg).toContain('limit of p99: 25 ms')
  const without = renderLines({ ...curve, points: [{ size: 100, values: { p99: 20 } }] }, limits)
  expect(without).not.toContain('limit')
})

test('values that span more than two decades have a labelled logarithmic axis', () => {
  const curve = { name: 'a', title: 'A', size: 'actors', unit: 'ms' }
  const svg = renderLines({ ...curve, points: [{ size: 1, values: { p50: 0.4, p99: 100 } }] })
  expect(svg).toContain('logarithmic axis')
})
