import { expect, test } from 'bun:test'
import { parseEventStream, summarizeStages } from './measure-stages.ts'

const at = (ms: number) => new Date(ms).toISOString()

test('events are read from a stream with heartbeats', () => {
  const event = (kind: string) => `event: ${kind}\nid: 1\ndata: {"kind":"${kind}"}\n\n`
  const text = `${event('queued')}event: heartbeat\ndata: {}\n\n${event('completed')}`
  expect(parseEventStream(text).map(({ kind }) => kind)).toEqual(['queued', 'completed'])
})

test('a stage is the median between two events', () => {
  const task = (ms: number) => [
    { kind: 'queued' as const, at: at(0) },
    { kind: 'started' as const, at: at(ms) },
    { kind: 'completed' as const, at: at(ms + 5) },
  ]
  expect(summarizeStages([task(1), task(3), task(9)])).toEqual([
    { name: 'queued → started', ms: 3 },
    { name: 'started → completed', ms: 5 },
  ])
})
