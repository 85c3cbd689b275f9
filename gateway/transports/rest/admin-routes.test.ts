import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { DeadLetterPageView, DeadLetterView, TaskView } from '@pixelflow/core/views'
import { sampleDeadLetter } from '@pixelflow/testkit/contracts/dead-letters'
import { sampleImage } from '@pixelflow/testkit/images'
import { readAllPages } from '../../testing/read-all-pages.ts'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'

let gateway: TestGateway
let image: string
beforeAll(async () => {
  gateway = await openTestGateway()
  image = (await gateway.image(await sampleImage({ width: 64, height: 48 }))).id
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

const dead = (path = '', method = 'GET') => gateway.call(`/api/v1/admin/dead${path}`, { method })
const deadLetterOf = async (answer: Promise<Response>) => (await (await answer).json()) as DeadLetterView

/** Creates a failed task and its dead letter, as an actor does after the last attempt. */
async function createDeadLetter(imageId = image): Promise<{ task: TaskView; id: string }> {
  const { id } = await gateway.submit(imageId, 'resize:32')
  await gateway.adapters.deadLetters.put(sampleDeadLetter({ task: id }))
  const fault = { code: 'storage_failed', detail: 'No answer.' } as const
  await gateway.advance(id, 'failed', { status: 'failed', attempt: 5, actor: 'one', fault })
  return { task: await gateway.task(id), id: `transform.local.${id}` }
}

test('dead letters are listed in pages, have their internal cause, and are deleted', async () => {
  const made = [await createDeadLetter(), await createDeadLetter(), await createDeadLetter()]
  const listed = await readAllPages(async (cursor) => {
    const page = await dead(`?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    return (await page.json()) as DeadLetterPageView
  })
  expect(listed.map((one) => one.id)).toEqual(made.map((one) => one.id))
  expect(await (await dead('?account=unknown')).json()).toEqual({ items: [], next: null })
  const [{ id, task }] = made as [(typeof made)[0]]
  expect(await deadLetterOf(dead(`/${id}`))).toMatchObject({
    id,
    account: 'local',
    task: task.id,
    attempts: 5,
    actor: 'host.1',
    fault: { code: 'internal' },
    internalCause: 'Error: why',
  })
  for (const one of made) expect((await dead(`/${one.id}`, 'DELETE')).status).toBe(204)
  expect(await gateway.refusal(dead(`/${id}`))).toMatchObject({ status: 404, code: 'not_found' })
  expect(await gateway.refusal(dead(`/${id}`, 'DELETE'))).toMatchObject({ status: 404 })
  expect(await gateway.refusal(dead('/*.*.*', 'DELETE'))).toMatchObject({ status: 404 })
  expect(await gateway.task(task.id)).toEqual(task)
  for (const query of ['limit=0', 'cursor=x', 'account=A', 'more=1'])
    expect(await gateway.refusal(dead(`?${query}`))).toMatchObject({ status: 400, code: 'invalid_request' })
})

test('repeated replays create one task of the same account', async () => {
  const { id, task } = await createDeadLetter()
  const before = await gateway.messages()
  const responses = await Promise.all(Array.from({ length: 6 }, () => dead(`/${id}/replay`, 'POST')))
  expect(responses.map((one) => one.status)).toEqual(responses.map(() => 202))
  const deadLetters = (await Promise.all(responses.map((one) => one.json()))) as DeadLetterView[]
  const replayed = new Set(deadLetters.map((one) => one.replay?.task))
  expect(replayed.size).toBe(1)
  const [again = ''] = replayed
  expect(await gateway.task(again)).toMatchObject({
    status: 'queued',
    image,
    recipe: task.recipe,
    retryOf: task.id,
    attempt: 0,
  })
  expect(await gateway.messages()).toMatchObject({ jobs: before.jobs + 1, events: before.events + 1 })
  expect((await deadLetterOf(dead(`/${id}`))).replay?.task).toBe(again)
  expect(await gateway.task(task.id)).toEqual(task)

  // The task of the replay was deleted, so another replay is possible.
  await gateway.deleteTask(again)
  const third = (await deadLetterOf(dead(`/${id}/replay`, 'POST'))).replay?.task ?? ''
  expect(third).not.toBe(again)
  expect(await gateway.task(third)).toMatchObject({ status: 'queued', retryOf: task.id })
})

test('a recorded replay without its task is completed by the next replay', async () => {
  const { id, task } = await createDeadLetter()
  const replay = { task: Bun.randomUUIDv7(), createdAt: new Date().toISOString() }
  await gateway.adapters.deadLetters.recordReplay(id, replay)
  expect((await deadLetterOf(dead(`/${id}/replay`, 'POST'))).replay).toEqual(replay)
  expect(await gateway.task(replay.task)).toMatchObject({ status: 'queued', retryOf: task.id })
})

test('a refused replay gives the reason and is not recorded', async () => {
  const deletedImage = (await gateway.image(await sampleImage({ width: 32, height: 32 }))).id
  const withoutImage = await createDeadLetter(deletedImage)
  await gateway.call(`/api/v1/images/${deletedImage}`, { method: 'DELETE' })
  const deleted = await createDeadLetter()
  await gateway.deleteTask(deleted.task.id)
  const active = await gateway.submit(image)
  await gateway.adapters.deadLetters.put(sampleDeadLetter({ task: active.id }))
  await gateway.adapters.deadLetters.put(sampleDeadLetter({ task: 'no-id' }))
  const cases = [
    [withoutImage.id, 404, 'image_not_found'],
    [deleted.id, 404, 'task_not_found'],
    [`transform.local.${active.id}`, 409, 'task_active'],
    ['transform.local.no-id', 412, 'precondition_failed'],
  ] as const
  for (const [id, status, code] of cases) {
    expect(await gateway.refusal(dead(`/${id}/replay`, 'POST'))).toMatchObject({ status, code })
    expect(await deadLetterOf(dead(`/${id}`))).not.toHaveProperty('replay')
  }
  expect(await gateway.refusal(dead('/transform.local.gone/replay', 'POST'))).toMatchObject({ status: 404 })
})

test('requires the scope admin', async () => {
  const tokens = 'ann:secret-of-ann,root:secret-of-root:admin'
  const other = await gateway.another({ PIXELFLOW_API_TOKENS: tokens })
  const { id, task } = await createDeadLetter()
  const call = (token: string, path: string, method = 'GET') =>
    fetch(`${other.url}/api/v1/${path}`, { method, headers: { authorization: `Bearer ${token}` } })
  for (const [path, method] of [
    ['', 'GET'],
    [`/${id}`, 'GET'],
    [`/${id}/replay`, 'POST'],
    [`/${id}`, 'DELETE'],
  ] as const) {
    expect(await gateway.refusal(call('secret-of-ann', `admin/dead${path}`, method))).toMatchObject({
      status: 403,
      code: 'forbidden',
      detail: expect.stringContaining('admin'),
    })
  }
  const replayed = (await (
    await call('secret-of-root', `admin/dead/${id}/replay`, 'POST')
  ).json()) as DeadLetterView
  // The task belongs to the account, not to the operator.
  expect(await gateway.task(replayed.replay?.task ?? '')).toMatchObject({ retryOf: task.id })
  expect((await call('secret-of-root', `tasks/${replayed.replay?.task}`)).status).toBe(404)
})
