import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { client, followToEnd } from '../client.ts'

/**
 * One account creates slow work while another account creates quick work. Each slow image takes longer than the whole
 * test, so a test that waits for one of them fails.
 */

const slow = 'resize:3000x3000:fill:enlarge/format:avif:effort=9'
const workers = 2

let stack: Stack
let url: string
beforeAll(async () => {
  stack = await startStack({
    env: {
      PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob',
      PIXELFLOW_ACTOR_CONCURRENCY: String(workers),
      PIXELFLOW_LIVE_CONCURRENCY: String(workers),
      PIXELFLOW_TASK_TIMEOUT: '10m',
      PIXELFLOW_TASK_CPU_TIME: '10m',
      PIXELFLOW_PROCESS_TIMEOUT: '10m',
    },
  })
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  url = gateway.url
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose](), 30_000)

const processUrl = (recipe: string) => `${url}/api/v1/process?recipe=${encodeURIComponent(recipe)}`

test('six slow synchronous calls of one account leave a worker for the calls of another', async () => {
  const photo = await sampleImage({ width: 1600, height: 1200 })
  const stop = new AbortController()
  const call = (account: string, recipe: string) =>
    fetch(processUrl(recipe), {
      method: 'POST',
      body: photo,
      headers: { authorization: `Bearer secret-of-${account}`, 'content-type': 'image/jpeg' },
      signal: stop.signal,
    })
  const ended: unknown[] = []
  const slowCalls = Array.from({ length: 6 }, () =>
    call('ann', slow).then(
      (answer) => ended.push(answer.status),
      () => {},
    ),
  )
  // With all workers busy, a further call of ann gets none, and a call of bob does.
  for (let i = 0; i < 4; i += 1) {
    const answer = await call('bob', 'resize:100')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
    await answer.arrayBuffer()
  }
  // Calls without a worker are refused after some seconds; none was served before bob's.
  expect(ended.filter((status) => status === 200)).toEqual([])
  stop.abort()
  await Promise.all(slowCalls)
}, 120_000)

test('sixteen slow interactive tasks of one account do not delay the single task of another', async () => {
  const accountOf = async (name: string) => {
    const api = client(url, `secret-of-${name}`)
    const { id: image } = await api.upload(await sampleImage({ width: 1600, height: 1200 }))
    const submit = (recipe: string) => api.submit(image, recipe)
    return { api, submit }
  }
  const ann = await accountOf('ann')
  const bob = await accountOf('bob')
  const slowTasks = await Promise.all(Array.from({ length: 16 }, () => ann.submit(slow)))
  await waitFor(
    'slow tasks in all workers',
    async () => (await ann.api.list('?status=running')).items.length,
    (count) => count >= workers,
    { timeoutMs: 60_000 },
  )

  const { id } = await bob.submit('resize:100')
  const last = (await followToEnd(() => bob.api, id, { timeoutMs: 60_000 })).at(-1)?.view
  expect(last?.kind).toBe('completed')
  expect((await ann.api.list('?status=completed')).items).toEqual([])
  for (const { id: task } of slowTasks) await ann.api.json(`/api/v1/tasks/${task}/cancel`, { method: 'POST' })
}, 180_000)
