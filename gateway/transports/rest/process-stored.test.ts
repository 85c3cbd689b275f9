import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import type { TestGateway } from '../../testing/test-gateway.ts'
import { digestOf } from '../../testing/grpc-client.ts'
import { respondWith, type ReceivedImage } from '../../testing/stub-actor.ts'
import { openProcessFixture, type ProcessFixture } from '../../testing/process-fixture.ts'
import { completeTask } from '../../testing/complete-task.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

/** `POST /api/v1/process` with images that are processed as tasks, and a stub actor. */

let fixture: ProcessFixture
let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
useFixture(openProcessFixture, (opened) => ({ gateway, photo } = fixture = opened))

const result = new TextEncoder().encode('a processed image')

describe('an image that does not fit into memory', () => {
  /** Acts as the actor for the next task. */
  async function work(kind: 'completed' | 'failed'): Promise<string> {
    const findTask = async () => {
      const page = await gateway.call('/api/v1/tasks?limit=1&status=queued')
      return ((await page.json()) as TaskPageView).items[0]?.id ?? ''
    }
    const id = await waitFor('task created', findTask)
    await gateway.advance(id, 'started', { status: 'running' })
    if (kind === 'failed') {
      const fault = { code: 'corrupt_image', detail: 'It is damaged.' } as const
      await gateway.advance(id, 'failed', { status: 'failed', fault, endedAt: new Date().toISOString() })
    } else await completeTask(gateway, id, result)
    return id
  }

  test('is processed as a task, and the result is returned', async () => {
    const [response, task] = await Promise.all([
      fixture.post('?recipe=flip', fixture.padded(2 * 2 ** 20)),
      work('completed'),
    ])
    expect(response.status).toBe(200)
    expect(response.headers.get('content-location')).toBe(`/api/v1/tasks/${task}/outputs/default`)
    expect(response.headers.get('content-type')).toBe('image/webp')
    expect(Buffer.from(await response.arrayBuffer()).equals(result)).toBe(true)
    const again = await gateway.call(response.headers.get('content-location') ?? '')
    expect(again.headers.get('etag')).toBe(response.headers.get('etag'))
  })

  test('fails as the task does', async () => {
    const [response] = await Promise.all([
      fixture.post('?recipe=flip', fixture.padded(2 * 2 ** 20)),
      work('failed'),
    ])
    expect(await gateway.refusal(response)).toMatchObject({ status: 422, code: 'corrupt_image' })
  })

  test('is cancelled when the client disconnects', async () => {
    const late = await gateway.refusal(fixture.post('?recipe=flip', fixture.padded(2 * 2 ** 20)))
    expect(late).toMatchObject({ code: 'deadline_exceeded' })
    const { items } = (await (await gateway.call('/api/v1/tasks?limit=1')).json()) as TaskPageView
    expect(items[0]?.status).toBe('cancelled')
  }, 20_000)

  test('because of concurrent images is a task, too, and the memory is released', async () => {
    const seen: ReceivedImage[] = []
    const go = Promise.withResolvers<void>()
    await using _ = fixture.actor(async (session, one) => {
      await go.promise
      await respondWith(result)(session, one)
    }, seen)
    const some = Array.from({ length: 4 }, () => fixture.post('?recipe=flip', fixture.padded(900_000)))
    await waitFor(
      'three images sent to the actor',
      () => seen.length,
      (count) => count === 3,
    )
    // Each takes 1 MiB of the budget of 3 MiB.
    await stays('no fourth image is sent', () => seen.length === 3, 200)
    go.resolve()
    await work('completed')
    const statuses = (await Promise.all(some)).map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200, 200])
    const more = await Promise.all(
      Array.from({ length: 2 }, () => fixture.post('?recipe=flip', fixture.padded(900_000))),
    )
    expect(more.map((one) => one.headers.has('content-location'))).toEqual([false, false])
  })
})

describe('Prefer: respond-async', () => {
  const headers = { prefer: 'wait=5, respond-async;foo=1' }
  test.each(['raw', 'form'])('creates a task (%s)', async (how) => {
    const response =
      how === 'raw'
        ? await fixture.post('?recipe=flip', photo, { headers })
        : await fixture.post('', fixture.form('flip', 'after'), { headers })
    expect(response.status).toBe(202)
    expect(response.headers.get('preference-applied')).toBe('respond-async')
    const task = (await response.json()) as TaskView
    expect(response.headers.get('location')).toBe(`/api/v1/tasks/${task.id}`)
    expect(task).toMatchObject({ status: 'queued', recipe: { steps: [{ op: 'flip' }] } })
    const content = await gateway.call(`/api/v1/images/${task.image}/content`)
    expect(digestOf(new Uint8Array(await content.arrayBuffer()))).toBe(digestOf(photo))
  })

  test('accepts recipes with several outputs', async () => {
    const recipe = JSON.stringify({ steps: [], outputs: { a: { steps: [] }, b: { steps: [] } } })
    const query = `?recipe=${encodeURIComponent(recipe)}`
    const task = (await (await fixture.post(query, photo, { headers })).json()) as TaskView
    expect(Object.keys(task.recipe.outputs ?? {})).toEqual(['a', 'b'])
  })
})
