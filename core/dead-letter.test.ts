import { expect, test } from 'bun:test'
import {
  formatCause,
  isDeadLetterId,
  parseJob,
  deadLetterId,
  maxCauseLength,
  type DeadLetter,
} from './dead-letter.ts'
import { Fault } from './fault.ts'

const letter: DeadLetter = {
  kind: 'transform',
  lane: 'bulk',
  account: 'ann',
  task: '01936f2e-7c5e-7abc-9def-0123456789ab',
  stage: 'main',
  cause: { report: { code: 'internal', detail: 'Sorry.' } },
  attempts: 5,
  at: '2026-11-21T00:00:00.000Z',
}

test('a dead letter has an id and can be parsed to its job', () => {
  expect(isDeadLetterId(deadLetterId(letter))).toBe(true)
  expect(parseJob(letter)).toMatchObject({ lane: 'bulk', task: letter.task })
  expect(parseJob({ ...letter, task: 'odd' })).toBeUndefined()
  for (const id of ['', 'a.b', 'a.b.', 'a.*.c', 'a.b.>', 'a.b.c.d', 'a.b c.d', `a.b.${'c'.repeat(600)}`])
    expect(isDeadLetterId(id)).toBe(false)
})

test('causes are formatted in order, truncated and without passwords', () => {
  const root = new Error('connect nats://user:hidden@host failed')
  const fault = Fault.of(new Error('the handler fell over', { cause: root }))
  const text = formatCause(fault) ?? ''
  expect(text).toContain('the handler fell over')
  expect(text.indexOf('the handler')).toBeLessThan(text.indexOf('connect nats://***@host'))
  expect(text).not.toContain('hidden')
  expect(formatCause(new Fault('internal', 'alone'))).toBeUndefined()
  expect(formatCause(Fault.of('x'.repeat(10_000)))).toHaveLength(maxCauseLength)
})
