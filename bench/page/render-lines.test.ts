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
