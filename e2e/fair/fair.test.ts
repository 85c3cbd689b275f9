import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import type { Lane } from '@pixelflow/core/job'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { until } from '@pixelflow/testkit/until'
import { client, followToEnd } from '../client.ts'
import { neighbourOf } from './names.ts'

/**
 * One account's flood beside another account's single pictures, told by counting: how many tasks of the flood end
 * between the moment that a single one is accepted and the moment that it is finished. The clock is not asked, so a
 * slow machine makes no difference. First in, first out, or shards that both accounts share,
 * would have hundreds end in between.
 */

const flooding = 'flood'
const single = neighbourOf(flooding)
const floodOf = 250
const heavy = 'blur:8/resize:900/format:webp'

/** One child, and what its actor holds besides: a picture whose source is fetched, or whose results are stored. */
const children = 1
const heldBesides = 1
/** Bulk jobs that are let into the queue at once. */
const window = 2 * children

let stack: Stack
beforeEach(async () => {
  stack = await startStack({
    env: {
      PIXELFLOW_API_TOKENS: [flooding, single].map((name) => `${name}:secret-of-${name}`).join(','),
      PIXELFLOW_ACTOR_CONCURRENCY: String(children),
      PIXELFLOW_LIVE_CONCURRENCY: '0',
    },
  })
}, 60_000)
afterEach(() => stack?.[Symbol.asyncDispose](), 30_000)

/** What an account can do; its image is there. */
async function callerOf(url: string, name: string) {
  const api = client(url, `secret-of-${name}`)
  const { id: image } = await api.upload(await sampleImage({ width: 1600, height: 1200 }))
  const submit = (lane?: Lane) =>
    api.json<TaskView>('/api/v1/tasks', {
      method: 'POST',
      body: JSON.stringify({ image, recipe: heavy, lane }),
      headers: { 'content-type': 'application/json' },
    })
  /** One picture, from the moment it is accepted to its end. */
  const whole = async (lane: Lane): Promise<TaskView> => {
    const { id } = await submit(lane)
    const end = (await followToEnd(() => api, id, { timeoutMs: 120_000 })).at(-1)?.view
    if (end?.kind !== 'completed') throw new Error(`a single picture ended as ${end?.kind}`)
    return end.task
  }
  const completed = async (): Promise<TaskView[]> => {
    const found: TaskView[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page: TaskPageView = await api.list(`?status=completed&limit=200${query}`)
      found.push(...page.items)
      cursor = page.next
    }
    return found
  }
  return { submit, whole, completed }
}

/** How many of them ended while the other one waited and was worked on. */
function endedDuring(others: readonly TaskView[], { createdAt, endedAt = '' }: TaskView): number {
  return others.filter((one) => one.endedAt && one.endedAt > createdAt && one.endedAt < endedAt).length
}

async function flood(url: string, lane?: Lane) {
  const caller = await callerOf(url, flooding)
  const made: TaskView[] = []
  while (made.length < floodOf) {
    made.push(...(await Promise.all(Array.from({ length: 25 }, () => caller.submit(lane)))))
  }
  await until(async () => (await caller.completed()).length > 1, 60_000)
  return { ...caller, made }
}

test('behind a flood in bulk, an interactive picture waits for one picture, and a bulk picture for two', async () => {
  const [one, other] = await Promise.all([stack.gateway(), stack.gateway(), stack.actor()])
  const flooded = await flood(one.url, 'bulk')
  const caller = await callerOf(other.url, single)
  const singles: TaskView[] = []
  for (let round = 0; round < 4; round += 1) {
    singles.push(await caller.whole('interactive'), await caller.whole('bulk'))
  }
  const ended = await flooded.completed()
  expect(ended.length).toBeLessThan(floodOf / 2)
  const counts = (lane: Lane) =>
    singles.filter((task) => task.lane === lane).map((task) => endedDuring(ended, task))
  // The one in the child, one that was through with it, and one that the child took up before this one was fetched.
  expect(Math.max(...counts('interactive'))).toBeLessThanOrEqual(children + heldBesides + 1)
  expect(Math.max(...counts('bulk'))).toBeLessThanOrEqual(2 * window)
}, 240_000)

test('behind a flood that knows nothing of lanes, a picture waits for the few that may be interactive', async () => {
  // What an account may have of few workers.
  const most = 2
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const flooded = await flood(gateway.url)
  const interactive = flooded.made.filter((task) => task.lane === 'interactive')
  expect(interactive.length).toBeGreaterThanOrEqual(most)
  expect(interactive.length).toBeLessThan(floodOf / 2)
  const caller = await callerOf(gateway.url, single)
  const singles: TaskView[] = []
  for (let round = 0; round < 3; round += 1) singles.push(await caller.whole('interactive'))
  const ended = await flooded.completed()
  expect(ended.length).toBeLessThan(floodOf / 2)
  const counts = singles.map((task) => endedDuring(ended, task))
  expect(Math.max(...counts)).toBeLessThanOrEqual(most + children + heldBesides + 1)
}, 240_000)
