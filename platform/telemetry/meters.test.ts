import { describe, expect, test } from 'bun:test'
import { openMeters } from './meters.ts'

const table = {
  eaten: {
    kind: 'counter',
    name: 'apples_eaten_total',
    help: 'Apples, by "kind" \\ colour.',
    labels: ['kind'],
  },
  seconds: {
    kind: 'histogram',
    name: 'bite_seconds',
    help: 'Time of a bite.',
    labels: ['kind'],
    bounds: [0.1, 1],
  },
  left: { kind: 'gauge', name: 'apples_left', help: 'Apples that are left.', labels: [] },
  worms: { kind: 'counter', name: 'worms_total', help: 'Worms met.', labels: [] },
  depth: { kind: 'gauge', name: 'basket_depth', help: 'Depth of the basket.', labels: ['basket'] },
} as const

describe('meters', () => {
  test('are exported in the Prometheus text format', async () => {
    await using meters = openMeters(table)
    const eat = meters.counter('eaten')
    eat(2, { kind: 'red' })
    eat(0, { kind: 'a "green" one\nwith \\' })
    const bite = meters.histogram('seconds')
    for (const seconds of [0.05, 0.1, 0.5, 7]) bite(seconds, { kind: 'red' })
    let left = 3
    meters.observe('left', () => left)
    meters.observe('worms', () => 11)
    const depth = meters.gauge('depth')
    meters.beforeCollect(async () => depth(4.5, { basket: 'mine' }))
    meters.beforeCollect(() => Promise.reject(new Error('collection failed')))

    expect(await meters.text()).toBe(`# HELP apples_eaten_total Apples, by "kind" \\\\ colour.
# TYPE apples_eaten_total counter
apples_eaten_total{kind="red"} 2
apples_eaten_total{kind="a \\"green\\" one\\nwith \\\\"} 0
# HELP bite_seconds Time of a bite.
# TYPE bite_seconds histogram
bite_seconds_count{kind="red"} 4
bite_seconds_sum{kind="red"} 7.65
bite_seconds_bucket{kind="red",le="0.1"} 2
bite_seconds_bucket{kind="red",le="1"} 3
bite_seconds_bucket{kind="red",le="+Inf"} 4
# HELP apples_left Apples that are left.
# TYPE apples_left gauge
apples_left 3
# HELP worms_total Worms met.
# TYPE worms_total counter
worms_total 11
# HELP basket_depth Depth of the basket.
# TYPE basket_depth gauge
basket_depth{basket="mine"} 4.5
`)
    left = Number.NaN
    expect(await meters.text()).toContain('\napples_left NaN\n')
  })

  test('have a limited number of series', async () => {
    await using meters = openMeters(table)
    const eat = meters.counter('eaten')
    for (let i = 0; i < 5000; i++) eat(1, { kind: `kind ${i}` })
    const series = (await meters.text()).split('\n').filter((line) => line.startsWith('apples_eaten_total{'))
    expect(series.length).toBeLessThanOrEqual(2000)
    const all = series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    expect(all).toBe(5000)
  })
})
