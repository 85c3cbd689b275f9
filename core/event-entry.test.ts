import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createEvent, eventKinds, type TaskEvent } from './event.ts'
import { packEvents, unpackEvents, type EventEntry } from './event-entry.ts'
import { parseRecipe } from './recipe/recipe.ts'
import type { Task } from './task.ts'

const id = '01900000-0000-7000-8000-000000000001'
const queued: Task = {
  id,
  account: 'local',
  status: 'queued',
  progress: 0,
  image: id,
  recipe: parseRecipe('resize:800/blur:2'),
  lane: 'interactive',
  outputs: [],
  attempt: 0,
  createdAt: '2026-11-14T09:00:00.000Z',
  updatedAt: '2026-11-14T09:00:00.000Z',
}
const output = { name: 'default', format: 'jpeg', mediaType: 'image/jpeg', width: 1, height: 1 } as const

const change = fc.record(
  {
    status: fc.constantFrom('queued', 'running', 'completed', 'failed'),
    progress: fc.nat(100),
    attempt: fc.nat(9),
    actor: fc.string(),
    startedAt: fc.constant('2026-11-14T09:00:01.000Z'),
    outputs: fc.constantFrom([], [{ ...output, bytes: 1, sha256: 'a'.repeat(64) }]),
  },
  { requiredKeys: [] },
)

test('an entry returns the events that it was made of', () => {
  const step = fc.record({ kind: fc.constantFrom(...eventKinds), change, output: fc.option(fc.string()) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let task = queued
      const events = steps.map(({ kind, change: next, output: name }, i): TaskEvent => {
        const event = createEvent(
          kind,
          task,
          next as unknown as Partial<Task>,
          new Date(i),
          name ?? undefined,
        )
        task = event.task
        return event
      })
      const stored = JSON.stringify(packEvents(events.slice(0, -1), events.at(-1) as TaskEvent))
      expect(unpackEvents(JSON.parse(stored) as EventEntry)).toEqual(events)
    }),
    { seed: 20_261_130 },
  )
})

test('a single event is stored as it is, and the recipe of several is stored once', () => {
  const started = createEvent('started', queued, { status: 'running' }, new Date(1))
  expect(packEvents([], started)).toBe(started)
  const text = JSON.stringify(packEvents([started], createEvent('fetched', started.task, {}, new Date(2))))
  expect(text.split('"blur"')).toHaveLength(2)
})
