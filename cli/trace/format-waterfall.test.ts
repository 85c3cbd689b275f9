import { describe, expect, test } from 'bun:test'
import type { ProcessSpan } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'
import { styleOf } from '../terminal/style.ts'
import { formatWaterfall } from './format-waterfall.ts'
import { createWaterfall } from './waterfall.ts'

const style = styleOf({}, false)
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const origin = 1_796_079_050_000

function spanOf(
  id: string,
  [startMs, endMs]: readonly [number, number],
  given: Partial<ProcessSpan> = {},
): ProcessSpan {
  return {
    name: id,
    kind: 'internal',
    context: { traceId, spanId: id, isSampled: true },
    parentSpanId: undefined,
    isParentRemote: false,
    startMs: origin + startMs,
    endMs: origin + endMs,
    attributes: {},
    links: [],
    error: undefined,
    service: 'gateway',
    pid: 7,
    ...given,
  }
}

const actor = { service: 'actors', pid: 12_345 }
const first = spanOf('a1', [30, 40], {
  ...actor,
  name: 'attempt',
  parentSpanId: 'call',
  error: 'worker killed',
})
const spans = [
  first,
  spanOf('a2', [70, 100], { ...actor, name: 'attempt', parentSpanId: 'call', links: [first.context] }),
  spanOf('wait', [10, 30], { ...actor, name: 'queue wait', parentSpanId: 'call' }),
  spanOf('decode', [75, 80], { ...actor, parentSpanId: 'a2' }),
  spanOf('call', [0, 10], { name: 'POST /api/v1/tasks', parentSpanId: 'of the caller' }),
  spanOf('body', [0, 5], { name: 'receive body', parentSpanId: 'call' }),
]

describe('the waterfall', () => {
  test('is a tree with bars on one time axis, links and errors', () => {
    const lines = formatWaterfall(createWaterfall(spans), { width: 100, style })
    expect(lines).toEqual([
      'process       span                0                                          100.00 ms  start     ms',
      'gateway 7     POST /api/v1/tasks  █████                                                  0.00  10.00',
      'gateway 7       receive body      ███                                                    0.00   5.00',
      'actors 12345    queue wait             ░░░░░░░░░░░                                      10.00  20.00',
      'actors 12345    attempt                          ██████                                 30.00  10.00',
      '                  ✗ worker killed',
      'actors 12345    attempt                                               ████████████████  70.00  30.00',
      '                  ↪ linked to attempt at 30.00 ms on actors 12345',
      'actors 12345      decode                                                 ███            75.00   5.00',
    ])
  })

  test('names the kinds of events, and says what links lead to', () => {
    const otherTrace = 'a'.repeat(32)
    const context = (spanId: string, trace = traceId) => ({ traceId: trace, spanId, isSampled: true })
    const rows = createWaterfall([
      spanOf('call', [0, 10], {
        name: 'POST retry',
        links: [context('before', otherTrace), context('gone', otherTrace)],
      }),
      spanOf('one', [1, 2], {
        name: 'append event',
        parentSpanId: 'call',
        attributes: { 'pixelflow.events': 'started fetched' },
      }),
      spanOf('all', [3, 4], {
        name: 'append event',
        attributes: { 'pixelflow.events': 'started fetched output completed' },
      }),
      spanOf('two', [20, 30], {
        name: 'attempt transform',
        links: [context('one'), context('lost')],
        attributes: { 'pixelflow.task.attempt': 2 },
      }),
    ])
    const linked = [
      spanOf('before', [0, 1], {
        name: 'POST /api/v1/tasks',
        context: context('before', otherTrace),
        attributes: { 'pixelflow.task.id': 'the-first' },
      }),
    ]
    const lines = formatWaterfall(rows, { width: 120, style, linked }).map((line) => line.trim())
    const notes = lines.filter((line) => line.startsWith('↪'))
    expect(notes).toEqual([
      '↪ linked to POST /api/v1/tasks of task the-first',
      `↪ linked to trace ${otherTrace}, which is not recorded here`,
      '↪ linked to append event: started, fetched at 1.00 ms on gateway 7',
      '↪ follows attempt 1, which has no line because its process was lost',
    ])
    for (const name of ['append event: started, fetched', 'append event: started … completed'])
      expect(lines.some((line) => line.startsWith(`gateway 7  `) && line.includes(` ${name}  `))).toBe(true)
  })

  test('shows a wait of no time before the work that it waits for', () => {
    const { rows } = createWaterfall([
      spanOf('work', [10, 30], { name: 'attempt', parentSpanId: 'call' }),
      spanOf('inner', [12, 14], { parentSpanId: 'work' }),
      spanOf('wait', [10, 10], { name: 'queue wait', parentSpanId: 'call' }),
      spanOf('call', [0, 9]),
    ])
    expect(rows.map(({ span }) => span.name)).toEqual(['call', 'queue wait', 'attempt', 'inner'])
  })

  test.each([40, 50, 60, 80, 200])('fits into %d columns', (width) => {
    const lines = formatWaterfall(createWaterfall(spans), { width, style })
    expect(lines.filter((line) => line.length > width)).toEqual([])
    expect(lines.some((line) => line.includes('█'))).toBe(width >= 60)
  })

  test('shows a span that took no time, alone', () => {
    const lines = formatWaterfall(createWaterfall([spanOf('one', [0, 0])]), { width: undefined, style })
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/^gateway 7 +one +█ +0\.00 +0\.00$/)
  })
})
