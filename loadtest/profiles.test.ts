import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { usersAt } from './followers/users-at.ts'
import { profileNames, profiles, stagesOf } from './profiles.ts'
import { scenarioNames } from './scenarios.ts'

test('the stages of a profile are multiples of the users', () => {
  expect(stagesOf(profiles.stress, 10).map(({ users }) => users)).toEqual([5, 5, 10, 10, 20, 20, 40, 40])
  expect(stagesOf(profiles.load, 10, 7)).toEqual([
    { seconds: 10, users: 10 },
    { seconds: 7, users: 10 },
  ])
  expect(stagesOf(profiles.spike, 1)[0]?.users).toBe(1)
})

test('the number of users changes linearly within a stage', () => {
  const stages = [
    { seconds: 10, users: 100 },
    { seconds: 5, users: 100 },
    { seconds: 0, users: 20 },
    { seconds: 5, users: 20 },
  ]
  expect([0, 5, 12, 15, 20].map((seconds) => usersAt(stages, seconds))).toEqual([0, 50, 100, 20, undefined])
})

test('the guide describes every scenario and profile', async () => {
  const guide = await Bun.file(join(import.meta.dir, '../docs/load-testing.md')).text()
  const names = [...scenarioNames, ...profileNames]
  expect(names.filter((name) => !guide.includes(`| \`${name}\``))).toEqual([])
})
