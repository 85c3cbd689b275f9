import { expect, test } from 'bun:test'
import {
  formatCause,
  isDeadLetterId,
  parseJob,
  deadLetterId,
  maxCauseLength,
  storedDeadLetter,
  type DeadLetter,
} from './dead-letter.ts'
import { Fault } from './fault.ts'

const deadLetter: DeadLetter = {
  kind: 'transform',
  lane: 'bulk',
  account: 'ann',
  task: '01936f2e-7c5e-7abc-9def-0123456789ab',
  stage: 'main',
  fault: { code: 'internal', detail: 'Sorry.' },
  attempts: 5,
  createdAt: '2026-11-21T00:00:00.000Z',
}

test('a dead letter has an id and can be parsed to its job', () => {
  expect(isDeadLetterId(deadLetterId(deadLetter))).toBe(true)
  expect(parseJob(deadLetter)).toMatchObject({ lane: 'bulk', task: deadLetter.task })
  expect(parseJob({ ...deadLetter, task: 'odd' })).toBeUndefined()
  for (const id of ['', 'a.b', 'a.b.', 'a.*.c', 'a.b.>', 'a.b.c.d', 'a.b c.d', `a.b.${'c'.repeat(600)}`])
    expect(isDeadLetterId(id)).toBe(false)
})

test('dead letters of earlier versions are read', () => {
  const { fault, createdAt: at, ...rest } = deadLetter
  const cause = { report: fault, private: 'Error: why' }
  const replay = { task: rest.task, createdAt: at }
  expect(storedDeadLetter.parse({ ...rest, cause, at, replay: { task: rest.task, at } })).toEqual({
    ...deadLetter,
    internalCause: 'Error: why',
    replay,
  })
  expect(storedDeadLetter.parse({ ...rest, cause: { report: fault }, at })).toEqual(deadLetter)
  expect(storedDeadLetter.parse(deadLetter)).toEqual(deadLetter)
  expect(storedDeadLetter.safeParse(rest).success).toBe(false)
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
