import { expect, test } from 'bun:test'
import { createTimeName, parseTimes, startSharedClock } from './parse-times.ts'

test('times are found in a text that arrives in pieces', () => {
  const text = `data: {"actor":"${createTimeName(123_456)}"}\n\ndata: {"actor":"${createTimeName(99)}"}\n\n`
  for (let at = 0; at <= text.length; at += 1) {
    const first = parseTimes(text.slice(0, at))
    const second = parseTimes(first.rest + text.slice(at))
    expect([...first.times, ...second.times]).toEqual([123_456, 99])
  }
})

test('two clocks agree', () => {
  const [one, other] = [startSharedClock(), startSharedClock()]
  expect(Math.abs(one() - other())).toBeLessThan(1000)
})
