import { describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openGatewayWithImage } from '../../testing/gateway-with-image.ts'
import { unknownId, type TestGateway } from '../../testing/test-gateway.ts'

let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
let image: string
useFixture(openGatewayWithImage, (opened) => ({ gateway, photo, image } = opened))

describe('retrying', () => {
  test('creates a task with the same image and recipe, and does not change the old one', async () => {
    const { id } = await gateway.submit(image, 'resize:100/flip')
    await gateway.advance(id, 'failed', {
      status: 'failed',
      attempt: 3,
      actor: 'one',
      fault: { code: 'storage_failed', detail: 'No answer.' },
    })
    const old = await gateway.task(id)
    const before = await gateway.messages()
    const answer = await gateway.retryTask(id)
    expect(answer.status).toBe(202)
    const task = (await answer.json()) as TaskView
    expect(answer.headers.get('location')).toBe(`/api/v1/tasks/${task.id}`)
    expect(task).toMatchObject({ status: 'queued', attempt: 0, image, recipe: old.recipe, retryOf: id })
    expect(task.id).not.toBe(id)
    expect(task).not.toHaveProperty('fault')
    expect(task).not.toHaveProperty('actor')
    expect(await gateway.task(id)).toEqual(old)
    expect(await gateway.task(task.id)).toEqual(task)
    expect((await gateway.tasks('?limit=1')).items).toEqual([task])
    expect(await gateway.messages()).toMatchObject({ jobs: before.jobs + 1, events: before.events + 1 })

    await gateway.cancelTask(task.id)
    expect(await (await gateway.retryTask(task.id)).json()).toMatchObject({ retryOf: task.id })
  })

  test('is refused for an active task, and for an unknown task or image', async () => {
    const deletedImage = (await gateway.image(photo)).id
    const { id } = await gateway.submit(deletedImage)
    const before = await gateway.messages()
    expect(await gateway.refusal(gateway.retryTask(id))).toMatchObject({
      status: 409,
      code: 'task_active',
      remedy: expect.stringContaining('cancel it'),
    })
    expect(await gateway.refusal(gateway.retryTask(unknownId))).toMatchObject({
      status: 404,
      code: 'task_not_found',
    })
    expect(await gateway.messages()).toEqual(before)
    await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    await gateway.call(`/api/v1/images/${deletedImage}`, { method: 'DELETE' })
    expect(await gateway.refusal(gateway.retryTask(id))).toMatchObject({
      status: 404,
      code: 'image_not_found',
    })
    await gateway.deleteTask(id)
    expect(await gateway.refusal(gateway.retryTask(id))).toMatchObject({
      status: 404,
      code: 'task_not_found',
    })
  })

  test("is refused for another account's task", async () => {
    const other = await gateway.another({ PIXELFLOW_API_TOKENS: 'bob:secret-of-bob' })
    const { id } = await gateway.submit(image)
    await gateway.cancelTask(id)
    const answer = fetch(`${other.url}/api/v1/tasks/${id}/retry`, {
      method: 'POST',
      headers: { authorization: 'Bearer secret-of-bob' },
    })
    expect(await gateway.refusal(answer)).toMatchObject({ status: 404, code: 'task_not_found' })
  })
})
