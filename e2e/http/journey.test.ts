import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import sharp from 'sharp'
import { client, followToEnd } from '../client.ts'

/** One image through the whole system, and every error of the HTTP API on the way. */

let stack: Stack
let gateway: GatewayProcess
let api: ReturnType<typeof client>

beforeAll(async () => {
  stack = await startStack()
  gateway = await stack.gateway()
  await stack.actor()
  api = client(gateway.url)
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose](), 30_000)

describe('an image', () => {
  test('is uploaded raw and processed by its recipe, with an event for every stage', async () => {
    const source = await sampleImage({ width: 1600, height: 1200, gps: true, orientation: 6 })
    const image = await api.upload(source)
    expect(image).toMatchObject({ bytes: source.length, format: 'jpeg', width: 1600, height: 1200 })

    const task = await api.submit(image.id, 'resize:800/blur:2/format:webp')
    expect(task.status).toBe('queued')
    const seen = await followToEnd(() => api, task.id)
    expect(seen.map((s) => s.view.kind)).toEqual(completedEventKinds)
    const progress = seen.map((s) => s.view.task.progress)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(100)

    const output = await sharp(await api.output(task.id)).metadata()
    // Orientation 6 rotates the image by 90°: stored as 1600 × 1200, it is shown as 1200 × 1600 and resized to 800 × 1067.
    expect(output).toMatchObject({ format: 'webp', width: 800, height: 1067 })
    expect(output.exif).toBeUndefined()
    expect(await api.task(task.id)).toMatchObject({ status: 'completed', progress: 100, attempt: 1 })
  })

  test('is uploaded in a form with a recipe that has several named outputs', async () => {
    const form = new FormData()
    form.set(
      'recipe',
      JSON.stringify({
        steps: [{ op: 'resize', width: 300 }],
        outputs: {
          small: { steps: [{ op: 'resize', width: 100 }] },
          grey: { steps: [{ op: 'grayscale' }, { op: 'format', type: 'png' }] },
        },
      }),
    )
    form.set('file', new Blob([await sampleImage()], { type: 'image/jpeg' }), 'a.jpg')
    const response = await api.call('/api/v1/tasks', { method: 'POST', body: form })
    expect(response.status).toBe(202)
    const task = (await response.json()) as { id: string }
    expect(response.headers.get('location')).toBe(`/api/v1/tasks/${task.id}`)
    await followToEnd(() => api, task.id)
    expect(await sharp(await api.output(task.id, 'small')).metadata()).toMatchObject({
      format: 'jpeg',
      width: 100,
    })
    expect(await sharp(await api.output(task.id, 'grey')).metadata()).toMatchObject({
      format: 'png',
      width: 300,
    })
  })

  test('has tasks that are listed as soon as they are accepted, newest first, page by page', async () => {
    const image = await api.upload(await sampleImage({ width: 64, height: 64 }))
    const ids: string[] = []
    for (let n = 0; n < 5; n += 1) ids.unshift((await api.submit(image.id, `resize:${10 + n}`)).id)
    const first = await api.list('?limit=3')
    expect(first.items.map((t) => t.id)).toEqual(ids.slice(0, 3))
    const second = await api.list(`?limit=2&cursor=${first.next}`)
    expect(second.items.map((t) => t.id)).toEqual(ids.slice(3))
    for (const id of ids) await followToEnd(() => api, id)
    const done = await api.list('?status=completed&limit=5')
    expect(done.items.map((t) => t.id)).toEqual(ids)
  })

  test('has an output that is served with length, entity tag and ranges, until the task is deleted', async () => {
    const image = await api.upload(await sampleImage())
    const { id } = await api.submit(image.id, 'resize:200')
    await followToEnd(() => api, id)
    const path = `/api/v1/tasks/${id}/outputs/default`
    const whole = await api.call(path)
    const bytes = new Uint8Array(await whole.arrayBuffer())
    expect(whole.headers.get('content-length')).toBe(String(bytes.length))
    expect(whole.headers.get('content-type')).toBe('image/jpeg')
    const tag = whole.headers.get('etag') ?? ''
    expect((await api.call(path, { headers: { 'if-none-match': tag } })).status).toBe(304)
    const part = await api.call(path, { headers: { range: 'bytes=10-19' } })
    expect(part.status).toBe(206)
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(10, 20))
    const head = await api.call(path, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(bytes.length))

    expect((await api.call(`/api/v1/tasks/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await api.refusal(`/api/v1/tasks/${id}`)).problem.code).toBe('task_not_found')
    expect((await api.refusal(path)).status).toBe(404)
  })
})

describe('errors', () => {
  const post = (path: string, body: unknown): [string, RequestInit] => [
    path,
    { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
  ]
  const unknownId = '01900000-0000-7000-8000-000000000000'

  test('an unknown operation and a parameter out of range name the field', async () => {
    const image = await api.upload(await sampleImage())
    const unknown = await api.refusal(
      ...post('/api/v1/tasks', { image: image.id, recipe: 'resize:10/blurr:2' }),
    )
    expect(unknown).toMatchObject({ status: 400, problem: { code: 'invalid_recipe', field: 'steps[1].op' } })
    expect(`${unknown.problem.detail} ${unknown.problem.remedy}`).toContain('blur')
    const range = await api.refusal(
      ...post('/api/v1/tasks', { image: image.id, recipe: 'resize:10/blur:-3' }),
    )
    expect(range).toMatchObject({ status: 400, problem: { code: 'invalid_recipe', field: 'steps[1].sigma' } })
    expect(range.type).toContain('application/problem+json')
  })

  test('unknown ids are not found', async () => {
    expect((await api.refusal(`/api/v1/images/${unknownId}`)).problem.code).toBe('image_not_found')
    expect((await api.refusal(`/api/v1/tasks/${unknownId}`)).problem.code).toBe('task_not_found')
    expect((await api.refusal(`/api/v1/tasks/${unknownId}/events`)).problem.code).toBe('task_not_found')
    const task = await api.refusal(...post('/api/v1/tasks', { image: unknownId, recipe: 'flip' }))
    expect(task.problem.code).toBe('image_not_found')
    expect((await api.refusal('/api/v1/nothing')).problem.code).toBe('not_found')
  })

  test('files of other types, empty files and images with too many pixels are refused', async () => {
    const send = (body: Uint8Array<ArrayBuffer>, type: string) =>
      api.refusal('/api/v1/images', { method: 'POST', body, headers: { 'content-type': type } })
    expect((await send(new TextEncoder().encode('#!/bin/sh\necho hi'), 'image/png')).status).toBe(415)
    expect((await send(new Uint8Array(await sampleImage()), 'text/html')).status).toBe(415)
    expect((await send(new Uint8Array(0), 'image/png')).status).toBeOneOf([400, 422])
    const huge = new Uint8Array(await sampleImage({ format: 'png', width: 8, height: 8 }))
    new DataView(huge.buffer).setUint32(16, 65_000)
    new DataView(huge.buffer).setUint32(20, 65_000)
    expect(await send(huge, 'image/png')).toMatchObject({ status: 422, problem: { code: 'too_many_pixels' } })
  })

  test('a corrupt image fails its own task only, with a fault code', async () => {
    const whole = await sampleImage({ format: 'png', width: 400, height: 300 })
    const image = await api.upload(whole.slice(0, whole.length >> 1), 'image/png')
    const { id } = await api.submit(image.id, 'resize:100')
    const seen = await followToEnd(() => api, id)
    expect(seen.at(-1)?.view).toMatchObject({ kind: 'failed', task: { fault: { code: 'corrupt_image' } } })
    const good = await api.submit((await api.upload(await sampleImage())).id, 'flop')
    expect((await followToEnd(() => api, good.id)).at(-1)?.view.kind).toBe('completed')
  })
})

describe('accounts', () => {
  test('every call needs a token, and an account cannot see the data of another', async () => {
    const guarded = await stack.gateway({
      env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' },
    })
    const ann = client(guarded.url, 'secret-of-ann')
    const bob = client(guarded.url, 'secret-of-bob')
    expect((await client(guarded.url).refusal('/api/v1/tasks')).status).toBe(401)
    expect((await client(guarded.url, 'wrong').refusal('/api/v1/tasks')).status).toBe(401)
    const image = await ann.upload(await sampleImage())
    const task = await ann.submit(image.id, 'resize:50')
    await followToEnd(() => ann, task.id)
    expect((await bob.refusal(`/api/v1/images/${image.id}`)).status).toBe(404)
    expect((await bob.refusal(`/api/v1/images/${image.id}/content`)).status).toBe(404)
    expect((await bob.refusal(`/api/v1/tasks/${task.id}`)).status).toBe(404)
    expect((await bob.refusal(`/api/v1/tasks/${task.id}/events`)).status).toBe(404)
    expect((await bob.refusal(`/api/v1/tasks/${task.id}/outputs/default`)).status).toBe(404)
    expect((await bob.refusal(`/api/v1/tasks/${task.id}/cancel`, { method: 'POST' })).status).toBe(404)
    expect((await bob.refusal(`/api/v1/tasks/${task.id}`, { method: 'DELETE' })).status).toBe(404)
    expect((await bob.list()).items).toEqual([])
    await expect(bob.submit(image.id, 'flip')).rejects.toThrow('404')
    expect((await ann.list()).items.map((t) => t.id)).toEqual([task.id])
  })

  test('a gateway without tokens refuses foreign origins and foreign host names', async () => {
    const foreign = await api.refusal('/api/v1/tasks', { headers: { origin: 'https://example.com' } })
    expect(foreign.status).toBe(403)
    const rebound = await api.refusal('/api/v1/tasks', { headers: { host: 'evil.example' } })
    expect(rebound.status).toBe(403)
  })
})
