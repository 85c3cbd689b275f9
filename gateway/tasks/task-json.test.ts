import { expect, test } from 'bun:test'
import { taskPageView, taskView, viewTask } from '@pixelflow/core/views'
import type { Task } from '@pixelflow/core/task'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'

/** The JSON of tasks is stored when an event is folded in, and sent as it is. */

let gateway: TestGateway
let image: string
useFixture(openTestGateway, async (opened) => {
  gateway = opened
  ;({ id: image } = await gateway.image(await sampleImage()))
})

const textOf = async (path: string) => (await gateway.call(path)).text()
/** The JSON of the declared output, made from the event log. */
const expectedOf = async (id: string) => {
  const last = await gateway.adapters.events.last('local', id)
  if (last === null) throw new Error(`no task ${id}`)
  return JSON.stringify(viewTask(last.event.task))
}

const output = (name: string): Task['outputs'][number] => ({
  name,
  format: 'webp',
  mediaType: 'image/webp',
  bytes: 100,
  sha256: 'ab'.repeat(32),
  width: 10,
  height: 20,
})

test('tasks in every state have the bytes of their declared output, alone and in a list', async () => {
  const fault = {
    code: 'corrupt_image',
    detail: 'It ends "early": \u2028 é 🎉 </script>\n',
    remedy: 'Send it.',
  } as const
  const states: [Parameters<TestGateway['advance']>[1], Partial<Task>][][] = [
    [],
    [
      [
        'started',
        {
          status: 'running',
          progress: 12.5,
          attempt: 1,
          actor: 'actor-1.7',
          startedAt: '2026-11-21T13:24:15.131Z',
        },
      ],
    ],
    [
      ['started', { status: 'running', attempt: 1 }],
      ['completed', { status: 'completed', progress: 100, outputs: [output('thumb'), output('wide-2')] }],
    ],
    [['failed', { status: 'failed', fault, endedAt: '2026-11-21T13:24:15.131Z' }]],
  ]
  const ids: string[] = []
  for (const changes of states) {
    const recipe = { steps: [], outputs: { thumb: { steps: [{ op: 'blur' }] }, 'wide-2': { steps: [] } } }
    const { id } = await gateway.submit(image, recipe)
    for (const [kind, change] of changes) await gateway.advance(id, kind, change)
    ids.push(id)
  }
  const retried = await gateway.retryTask(ids.at(-1) ?? '')
  ids.push(((await retried.json()) as { id: string }).id)

  const expected = await Promise.all(ids.map(expectedOf))
  for (const [at, id] of ids.entries()) {
    const text = await textOf(`/api/v1/tasks/${id}`)
    expect(text).toBe(expected[at] ?? '')
    expect(taskView.parse(JSON.parse(text))).toEqual(JSON.parse(text))
  }
  const list = await textOf('/api/v1/tasks')
  expect(list).toBe(`{"items":[${expected.toReversed().join(',')}],"next":null}`)
  expect(taskPageView.parse(JSON.parse(list))).toEqual(JSON.parse(list))
  const page = JSON.parse(await textOf('/api/v1/tasks?limit=2')) as { items: unknown[]; next: string }
  expect(JSON.stringify(page.items)).toBe(`[${expected.toReversed().slice(0, 2).join(',')}]`)
  const rest = await textOf(`/api/v1/tasks?limit=50&cursor=${page.next}`)
  expect(rest).toBe(`{"items":[${expected.toReversed().slice(2).join(',')}],"next":null}`)
})

test('a task shows every event that was stored before the call, through each gateway', async () => {
  const other = await gateway.another()
  const { id } = await gateway.submit(image)
  for (let progress = 1; progress <= 60; progress += 1) {
    await gateway.advance(id, 'output', { status: 'running', progress })
    const urls = [gateway.url, other.url].flatMap((url) => Array.from({ length: 4 }, () => url))
    const seen = await Promise.all(
      urls.map(async (url) => (await (await fetch(new URL(`/api/v1/tasks/${id}`, url))).json()) as Task),
    )
    expect(seen.map((one) => one.progress)).toEqual(urls.map(() => progress))
  }
  const { id: ended } = await gateway.submit(image)
  await gateway.advance(ended, 'failed', { status: 'failed' })
  expect((await gateway.deleteTask(ended)).status).toBe(204)
  for (const url of [gateway.url, other.url])
    expect((await fetch(new URL(`/api/v1/tasks/${ended}`, url))).status).toBe(404)
}, 30_000)
