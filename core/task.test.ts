import { describe, expect, test } from 'bun:test'
import type { FaultCode } from './fault.ts'
import { createFirstJob } from './job.ts'
import { parseRecipe } from './recipe/recipe.ts'
import { faultReport, hasEnded, outputName, outputObject, statuses, task } from './task.ts'

const id = '01900000-0000-7000-8000-000000000001'
const digest = 'a'.repeat(64)
const whole = {
  id,
  account: 'local',
  status: 'completed',
  progress: 100,
  image: id,
  recipe: parseRecipe('resize:800/format:webp'),
  lane: 'interactive',
  outputs: [
    {
      name: 'default',
      format: 'webp',
      mediaType: 'image/webp',
      bytes: 9,
      sha256: digest,
      width: 800,
      height: 600,
    },
  ],
  attempt: 1,
  createdAt: '2026-11-14T09:00:00.000Z',
  updatedAt: '2026-11-14T09:00:01.000Z',
}

describe('a task', () => {
  test('is unchanged by storing and parsing', () => {
    const parsed = task.parse(whole)
    expect(task.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed)
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(JSON.parse(JSON.stringify(whole)))
  })

  test.each([
    ['an invalid account', { account: 'a.b' }],
    ['a progress above 100', { progress: 101 }],
    ['an unknown status', { status: 'paused' }],
    ['an id that is not a UUIDv7', { id: '00000000-0000-4000-8000-000000000000' }],
    ['a recipe with an unknown operation', { recipe: { steps: [{ op: 'melt' }] } }],
    ['an output in a format that cannot be written', { outputs: [{ ...whole.outputs[0], format: 'gif' }] }],
    ['an unknown fault code', { fault: { code: 'bad_luck', detail: 'Alas.' } }],
  ])('is invalid with %s', (_, change) => {
    expect(task.safeParse({ ...whole, ...change }).success).toBe(false)
  })

  test('stored without a lane is interactive', () => {
    const { lane: _, ...before } = whole
    expect(task.parse(before).lane).toBe('interactive')
    expect(createFirstJob(task.parse({ ...whole, lane: 'bulk' }))).toMatchObject({ lane: 'bulk', task: id })
  })

  test('has three final statuses', () => {
    expect(statuses.filter(hasEnded)).toEqual(['completed', 'failed', 'cancelled'])
  })
})

test('an output name is safe in a path and as a file name', () => {
  for (const good of ['default', 'a', '2x', 'thumb-200_b', 'x'.repeat(64)]) {
    expect(outputName.parse(good)).toBe(good)
  }
  for (const bad of ['', '-a', '_a', 'A', 'a.b', '../a', 'a/b', 'x'.repeat(65), '__proto__']) {
    expect(outputName.safeParse(bad).success).toBe(false)
  }
})

test('the object name of an output contains account, task and stage', () => {
  expect(outputObject('local', id, 'main', 'thumb')).toBe(`local/${id}/main/thumb`)
})

test('a fault report keeps only public fields', () => {
  const report = { code: 'actor_lost' as const, detail: 'Gone.', retryAfterMs: 5 }
  expect(faultReport.parse({ ...report, stack: 'secret' })).toEqual(report)
})

test.each<[string, FaultCode]>([
  ['out_of_bounds', 'resource_limit_exceeded'],
  ['unreadable', 'incompatible_record'],
])('a fault report stored with the former code %s is read as %s', (former, code) => {
  expect(faultReport.parse({ code: former, detail: 'Stored earlier.' })).toEqual({
    code,
    detail: 'Stored earlier.',
  })
})
