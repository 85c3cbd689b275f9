import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { maxEntryEvents } from './event-entry.ts'
import {
  createEvent,
  isAfter,
  isFinal,
  eventKinds,
  parseResumeToken,
  formatResumeToken,
  taskEvent,
} from './event.ts'
import { parseRecipe } from './recipe/recipe.ts'
import { statuses, type Task } from './task.ts'

const id = '01900000-0000-7000-8000-000000000001'
const at = new Date('2026-11-14T09:00:01.000Z')
const queued: Task = {
  id,
  account: 'local',
  status: 'queued',
  progress: 0,
  image: id,
  recipe: parseRecipe('resize:800'),
  lane: 'interactive',
  outputs: [],
  attempt: 0,
  createdAt: '2026-11-14T09:00:00.000Z',
  updatedAt: '2026-11-14T09:00:00.000Z',
}

describe('an event', () => {
  test('contains the complete task after the change', () => {
    const event = createEvent('started', queued, { status: 'running', attempt: 1 }, at)
    expect(event).toEqual({
      version: 1,
      kind: 'started',
      at: at.toISOString(),
      task: { ...queued, status: 'running', attempt: 1, updatedAt: at.toISOString() },
    })
    expect(queued.status).toBe('queued')
    expect(taskEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event)
  })

  test('has an output name only for a finished output', () => {
    expect(createEvent('output', queued, {}, at, 'thumb').output).toBe('thumb')
    expect('output' in createEvent('started', queued, {}, at)).toBe(false)
  })

  test('is final when the task has ended or was deleted', () => {
    for (const status of statuses) {
      const hasEnded = status !== 'queued' && status !== 'running'
      expect({ status, final: isFinal(createEvent('output', queued, { status }, at)) }).toEqual({
        status,
        final: hasEnded,
      })
    }
    expect(isFinal(createEvent('deleted', queued, {}, at))).toBe(true)
  })

  test('with an unknown kind or version is invalid', () => {
    const event = createEvent('queued', queued, {}, at)
    expect(eventKinds).toContain(event.kind)
    expect(taskEvent.safeParse({ ...event, kind: 'paused' }).success).toBe(false)
    expect(taskEvent.safeParse({ ...event, version: 2 }).success).toBe(false)
  })
})

describe('a resume token', () => {
  test('is parsed to the position it was made from', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.option(fc.nat(maxEntryEvents), { nil: undefined }), (seq, part) => {
        const position = part === undefined ? { seq } : { seq, part }
        expect(parseResumeToken(formatResumeToken(position))).toEqual(position)
      }),
      { seed: 20_261_114 },
    )
  })

  test('that the server did not issue is invalid', () => {
    for (const foreign of [
      '',
      '-1',
      'A',
      '1.',
      '.5',
      '1.234',
      '1.x',
      ' 1',
      '1 ',
      'zzzzzzzzzzz',
      'zzzzzzzzzzzz',
      '0X10',
      'é',
    ]) {
      expect(parseResumeToken(foreign)).toBeUndefined()
    }
  })
})

test('positions are ordered by entry, then by part, and the last event of an entry comes last', () => {
  const ordered = [{ seq: 1 }, { seq: 2, part: 0 }, { seq: 2, part: 1 }, { seq: 2 }, { seq: 3, part: 0 }]
  for (const [i, one] of ordered.entries())
    for (const [j, other] of ordered.entries()) expect(isAfter(one, other)).toBe(i > j)
})
