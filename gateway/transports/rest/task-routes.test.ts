import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openGatewayWithImage } from '../../testing/gateway-with-image.ts'
import { unknownId, type TestGateway } from '../../testing/test-gateway.ts'
import { completeTask } from '../../testing/complete-task.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
let image: string
useFixture(openGatewayWithImage, (opened) => ({ gateway, photo, image } = opened))

const postJson = (body: unknown) =>
  gateway.call('/api/v1/tasks', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })

describe('a task', () => {
  test('is created, queued and listed', async () => {
    const before = await gateway.messages()
    const response = await postJson({ image, recipe: 'resize:100/format:webp' })
    expect(response.status).toBe(202)
    const task = (await response.json()) as TaskView
    expect(response.headers.get('location')).toBe(`/api/v1/tasks/${task.id}`)
    expect(task).toMatchObject({ status: 'queued', progress: 0, image, attempt: 0, outputs: [] })
    expect(task.recipe.steps.map((step) => step.op)).toEqual(['resize', 'format'])
    expect(task).not.toHaveProperty('account')
    expect(await gateway.task(task.id)).toEqual(task)
    expect((await gateway.tasks('?limit=1')).items).toEqual([task])
    expect(await gateway.messages()).toMatchObject({ jobs: before.jobs + 1, events: before.events + 1 })
  })

  test.each(['before', 'after'])('is created from a form with the recipe %s the file', async (where) => {
    const file = new Blob([photo], { type: 'image/jpeg' })
    const form = new FormData()
    if (where === 'before') form.set('recipe', 'flip')
    form.set('file', file, 'a.jpg')
    if (where === 'after')
      form.set('recipe', new Blob([JSON.stringify({ steps: [{ op: 'flip' }] })]), 'recipe.json')
    const response = await gateway.call('/api/v1/tasks', { method: 'POST', body: form })
    expect(response.status).toBe(202)
    const task = (await response.json()) as TaskView
    expect(task.recipe).toEqual({ steps: [{ op: 'flip' }] })
    expect(await (await gateway.call(`/api/v1/images/${task.image}`)).json()).toMatchObject({
      bytes: photo.length,
    })
  })

  test('runs, has outputs, and ends', async () => {
    const { id } = await gateway.submit(image)
    await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
    expect(await gateway.task(id)).toMatchObject({ status: 'running', attempt: 1 })
    await gateway.advance(id, 'failed', {
      status: 'failed',
      fault: { code: 'corrupt_image', detail: 'It cannot be decoded.' },
    })
    expect(await gateway.task(id)).toMatchObject({ status: 'failed', fault: { code: 'corrupt_image' } })
    expect(await gateway.refusal(gateway.call(`/api/v1/tasks/${id}/outputs/default`))).toMatchObject({
      status: 404,
      code: 'output_not_found',
      detail: expect.stringContaining('has failed'),
    })
  })
})

describe('a task is refused and nothing stays in the store when', () => {
  const form = (parts: Record<string, Blob | string>) => {
    const body = new FormData()
    for (const [name, value] of Object.entries(parts)) body.append(name, value)
    return gateway.call('/api/v1/tasks', { method: 'POST', body })
  }
  const file = () =>
    new Blob([photo.map((byte, at) => (at > 1000 && at < 1010 ? 7 : byte))], { type: 'image/jpeg' })

  test.each([
    [
      'its image is unknown',
      () => postJson({ image: unknownId, recipe: 'flip' }),
      404,
      'image_not_found',
      'image',
    ],
    [
      'its image is not an id',
      () => postJson({ image: 'x', recipe: 'flip' }),
      400,
      'invalid_request',
      'image',
    ],
    ['the recipe is missing', () => postJson({ image }), 400, 'invalid_request', 'recipe'],
    [
      'a field is unknown',
      () => postJson({ image, recipe: 'flip', priority: 1 }),
      400,
      'invalid_request',
      'priority',
    ],
    [
      'an operation is unknown',
      () => postJson({ image, recipe: 'resize:10/blurr:2' }),
      400,
      'invalid_recipe',
      'steps[1].op',
    ],
    [
      'a parameter is out of range',
      () => postJson({ image, recipe: { steps: [{ op: 'blur', sigma: -3 }] } }),
      400,
      'invalid_recipe',
      'steps[0].sigma',
    ],
    ['the body is not JSON', () => postJson('{"image":'), 400, 'invalid_request', undefined],
    ['the body is empty', () => postJson(''), 400, 'invalid_request', undefined],
    ['the body is a list', () => postJson([]), 400, 'invalid_request', undefined],
    [
      'the body is too long',
      () => postJson(`{"image":"${'x'.repeat(2_000_000)}"}`),
      400,
      'invalid_request',
      undefined,
    ],
    [
      'the content type is not supported',
      () => gateway.call('/api/v1/tasks', { method: 'POST', body: 'image=x' }),
      415,
      'unsupported_format',
      'Content-Type',
    ],
    ['the form has no recipe', () => form({ file: file() }), 400, 'invalid_request', 'recipe'],
    ['the form has no file', () => form({ recipe: 'flip' }), 400, 'invalid_request', 'file'],
    [
      'the form has an invalid recipe before the file',
      () => form({ recipe: 'nope', file: file() }),
      400,
      'invalid_recipe',
      'steps[0].op',
    ],
    [
      'the form has an invalid recipe after the file',
      () => form({ file: file(), recipe: 'nope' }),
      400,
      'invalid_recipe',
      'steps[0].op',
    ],
    [
      'the form has a truncated recipe',
      () => form({ file: file(), recipe: '{"steps":' }),
      400,
      'invalid_recipe',
      'recipe',
    ],
    [
      'the file of the form is not an image',
      () => form({ recipe: 'flip', file: new Blob(['no image '.repeat(50)], { type: 'image/png' }) }),
      415,
      'unsupported_format',
      'file',
    ],
  ])('%s', async (_, send, status, code, field) => {
    const before = await gateway.messages()
    const problem = await gateway.refusal(send())
    expect([problem.status, problem.code, problem.field]).toEqual([status, code, field])
    await waitFor('stored messages as before', gateway.messages, (now) => Bun.deepEquals(now, before))
  })
})

describe('cancelling', () => {
  test('ends a queued task, removes its job, and can be repeated', async () => {
    const { id } = await gateway.submit(image)
    const { jobs } = await gateway.messages()
    const cancelled: string[] = []
    const stop = gateway.adapters.cancellations.subscribe((_, task) => cancelled.push(task))
    const answer = await gateway.cancelTask(id)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ id, status: 'cancelled', endedAt: expect.any(String) })
    expect(await gateway.messages()).toMatchObject({ jobs: jobs - 1 })
    const again = await gateway.cancelTask(id)
    expect([again.status, ((await again.json()) as TaskView).status]).toEqual([200, 'cancelled'])
    await waitFor('cancellation received', () => cancelled.includes(id))
    stop()
    expect((await gateway.tasks('?status=cancelled&limit=1')).items[0]?.id).toBe(id)
  })

  test('is refused for a task that has ended', async () => {
    const { id } = await gateway.submit(image)
    await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    expect(await gateway.refusal(gateway.cancelTask(id))).toMatchObject({ status: 409, code: 'task_ended' })
    expect(await gateway.task(id)).toMatchObject({ status: 'completed' })
  })

  test('of a running task has exactly one outcome', async () => {
    for (let round = 0; round < 15; round++) {
      const { id } = await gateway.submit(image)
      await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
      const actor = gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
      const [outcome, answer] = await Promise.all([
        actor.then(
          () => 'completed',
          () => 'too late',
        ),
        gateway.cancelTask(id),
      ])
      const { status } = await gateway.task(id)
      expect([outcome, answer.status, status]).toEqual(
        outcome === 'completed' ? ['completed', 409, 'completed'] : ['too late', 200, 'cancelled'],
      )
    }
  })
})

describe('deleting', () => {
  test('removes an ended task with its outputs', async () => {
    const { id } = await gateway.submit(image)
    await completeTask(gateway, id, photo)
    expect((await gateway.call(`/api/v1/tasks/${id}/outputs/default`)).status).toBe(200)
    expect((await gateway.deleteTask(id)).status).toBe(204)
    expect(await gateway.adapters.results.stat(`local/${id}/main/default`)).toBeNull()
    for (const path of [
      `/api/v1/tasks/${id}`,
      `/api/v1/tasks/${id}/outputs/default`,
      `/api/v1/tasks/${id}/events`,
    ]) {
      expect(await gateway.refusal(gateway.call(path))).toMatchObject({ status: 404, code: 'task_not_found' })
    }
    expect(await gateway.refusal(gateway.deleteTask(id))).toMatchObject({
      status: 404,
      code: 'task_not_found',
    })
    expect((await gateway.tasks()).items.map((one) => one.id)).not.toContain(id)
  })

  test('cancels an active task', async () => {
    const { id } = await gateway.submit(image)
    const { jobs } = await gateway.messages()
    expect((await gateway.deleteTask(id)).status).toBe(204)
    expect(await gateway.messages()).toMatchObject({ jobs: jobs - 1 })
    expect(await gateway.refusal(gateway.cancelTask(id))).toMatchObject({ status: 404 })
  })
})

describe('the list', () => {
  test('is sorted by age, paged, and filtered by status', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.unshift((await gateway.submit(image)).id)
    await gateway.advance(ids[1] as string, 'started', { status: 'running', attempt: 1 })
    const first = await gateway.tasks('?limit=3')
    expect(first.items.map((one) => one.id)).toEqual(ids.slice(0, 3))
    const second = await gateway.tasks(`?limit=2&cursor=${first.next}`)
    expect(second.items.map((one) => one.id)).toEqual(ids.slice(3))
    await waitFor(
      'task listed as running',
      () => gateway.tasks('?status=running'),
      ({ items }) => items.some((one) => one.id === ids[1]),
    )
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=x', 'limit'],
    ['status=done', 'status'],
    ['cursor=!', 'cursor'],
    ['page=2', 'page'],
  ])('refuses ?%s', async (query, field) => {
    expect(await gateway.refusal(gateway.call(`/api/v1/tasks?${query}`))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      field,
    })
  })
})

test.each([unknownId, 'x', '..%2F..', 'a'.repeat(500)])('the task %s is not found', async (id) => {
  for (const [path, method] of [
    ['', 'GET'],
    ['/events', 'GET'],
    ['/outputs/default', 'GET'],
    ['/cancel', 'POST'],
    ['', 'DELETE'],
  ] as const) {
    const problem = await gateway.refusal(gateway.call(`/api/v1/tasks/${id}${path}`, { method }))
    expect([path, problem.status]).toEqual([path, 404])
  }
})
