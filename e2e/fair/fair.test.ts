import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import type { Lane } from '@pixelflow/core/job'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { client, followToEnd } from '../client.ts'
import { findShardNeighbour } from './find-shard-neighbour.ts'

/**
 * One account floods the queue while another account creates single tasks. The tests count how many tasks of the flood end
 * between the creation and the end of a single task. Counting does not depend on the speed of the machine. With a first-in,
 * first-out queue, or with shards that both accounts share, hundreds would end in between.
 */

const flooding = 'flood'
const single = findShardNeighbour(flooding)
const floodSize = 250
const heavy = 'blur:8/resize:900/format:webp'

const workers = 1
/** Tasks that an actor holds beyond those in its workers: their source is being fetched, or their outputs stored. */
const heldBeyondWorkers = 1
/** Bulk jobs that are admitted to the queue at the same time. */
const window = 2 * workers

let stack: Stack
beforeEach(async () => {
  stack = await startStack({
    env: {
      PIXELFLOW_API_TOKENS: [flooding, single].map((name) => `${name}:secret-of-${name}`).join(','),
      PIXELFLOW_ACTOR_CONCURRENCY: String(workers),
      PIXELFLOW_LIVE_CONCURRENCY: '0',
    },
  })
}, 60_000)
afterEach(() => stack?.[Symbol.asyncDispose](), 30_000)

/** Calls of one account, which has uploaded an image. */
async function openAccount(url: string, name: string) {
  const api = client(url, `secret-of-${name}`)
  const { id: image } = await api.upload(await sampleImage({ width: 1600, height: 1200 }))
  const submit = (lane?: Lane) => api.submit(image, heavy, lane)
  /** Creates a task and waits for its end. */
  const complete = async (lane: Lane): Promise<TaskView> => {
    const { id } = await submit(lane)
    const end = (await followToEnd(() => api, id, { timeoutMs: 120_000 })).at(-1)?.view
    if (end?.kind !== 'completed') throw new Error(`The single task ended as ${end?.kind}.`)
    return end.task
  }
  const listCompleted = async (): Promise<TaskView[]> => {
    const tasks: TaskView[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page: TaskPageView = await api.list(`?status=completed&limit=200${query}`)
      tasks.push(...page.items)
      cursor = page.next
    }
    return tasks
  }
  return { submit, complete, listCompleted }
}

/** Counts the tasks that ended between the creation and the end of another task. */
function countEndedDuring(tasks: readonly TaskView[], { createdAt, endedAt = '' }: TaskView): number {
  return tasks.filter((one) => one.endedAt && one.endedAt > createdAt && one.endedAt < endedAt).length
}

async function flood(url: string, lane?: Lane) {
  const account = await openAccount(url, flooding)
  const created: TaskView[] = []
  while (created.length < floodSize) {
    created.push(...(await Promise.all(Array.from({ length: 25 }, () => account.submit(lane)))))
  }
  await waitFor(
    'two tasks of the flood completed',
    async () => (await account.listCompleted()).length,
    (count) => count > 1,
    { timeoutMs: 60_000 },
  )
  return { ...account, created }
}

test('behind a flood in the bulk lane, an interactive task waits for few tasks, and a bulk task for two windows', async () => {
  const [first, second] = await Promise.all([stack.gateway(), stack.gateway(), stack.actor()])
  const flooded = await flood(first.url, 'bulk')
  const account = await openAccount(second.url, single)
  const singles: TaskView[] = []
  for (let round = 0; round < 4; round += 1) {
    singles.push(await account.complete('interactive'), await account.complete('bulk'))
  }
  const ended = await flooded.listCompleted()
  expect(ended.length).toBeLessThan(floodSize / 2)
  const counts = (lane: Lane) =>
    singles.filter((task) => task.lane === lane).map((task) => countEndedDuring(ended, task))
  // One task is in the worker, one has just left it, and one enters it before the source of the single task is fetched.
  expect(Math.max(...counts('interactive'))).toBeLessThanOrEqual(workers + heldBeyondWorkers + 1)
  expect(Math.max(...counts('bulk'))).toBeLessThanOrEqual(2 * window)
}, 240_000)

test('behind a flood without a lane, a task waits only for the few that count as interactive', async () => {
  /** Interactive tasks that an account may have at this number of workers. */
  const maxInteractive = 2
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const flooded = await flood(gateway.url)
  const interactive = flooded.created.filter((task) => task.lane === 'interactive')
  expect(interactive.length).toBeGreaterThanOrEqual(maxInteractive)
  expect(interactive.length).toBeLessThan(floodSize / 2)
  const account = await openAccount(gateway.url, single)
  const singles: TaskView[] = []
  for (let round = 0; round < 3; round += 1) singles.push(await account.complete('interactive'))
  const ended = await flooded.listCompleted()
  expect(ended.length).toBeLessThan(floodSize / 2)
  const counts = singles.map((task) => countEndedDuring(ended, task))
  expect(Math.max(...counts)).toBeLessThanOrEqual(maxInteractive + workers + heldBeyondWorkers + 1)
}, 240_000)
