import { waitFor } from '@pixelflow/testkit/wait-for'
import { describe, expect, test } from 'bun:test'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import type { TaskEvent } from './client.ts'
import {
  readBytes,
  sha256Of,
  openClientPair,
  protocols,
  catchError,
  type ClientPair,
} from './testing/client-pair.ts'

/** Tests the client interface over both protocols against the shipped processes. */

let both: ClientPair
useFixture(openClientPair, (opened) => (both = opened))

describe.each(protocols)('over %s', (protocol) => {
  const client = () => both[protocol]

  test('returns settings and operations', async () => {
    expect(await client().settings()).toMatchObject({
      auth: 'none',
      formats: expect.arrayContaining(['jpeg']),
    })
    const { operations, recipe } = await client().operations()
    expect(operations.map(({ name }) => name)).toContain('resize')
    expect(recipe).toMatchObject({ type: 'object' })
  })

  test('uploads from every kind of source and reports progress', async () => {
    const half = both.photo.length >> 1
    const sources = [
      both.photo,
      both.photo.buffer,
      new Blob([both.photo], { type: 'image/jpeg' }),
      new Blob([both.photo]).stream(),
      (async function* () {
        yield both.photo.subarray(0, half)
        yield both.photo.subarray(half)
      })(),
    ]
    for (const source of sources) {
      const sent: [number, number | null][] = []
      const image = await client().upload(source, { onSent: (...progress) => sent.push(progress) })
      expect(image).toMatchObject({
        bytes: both.photo.length,
        sha256: sha256Of(both.photo),
        width: 900,
        format: 'jpeg',
      })
      expect(sent.at(-1)?.[0]).toBe(both.photo.length)
      await client().deleteImage(image.id)
      expect(await catchError(client().image(image.id))).toMatchObject({
        code: 'image_not_found',
        status: 404,
      })
    }
  })

  test('processes an image, reports every event once, and returns the output', async () => {
    const events: TaskEvent[] = []
    const { task, outputs, image } = await client().process(both.photo, 'resize:300/format:webp', {
      onEvent: (event) => events.push(event),
    })
    expect(events.map(({ kind }) => kind)).toEqual(completedEventKinds)
    expect(new Set(events.map(({ token }) => token)).size).toBe(6)
    expect(task).toMatchObject({ status: 'completed', progress: 100, image: image.id })
    expect(await client().task(task.id)).toEqual(task)
    const [output] = outputs
    if (!output) throw new Error('no output')
    const content = await output.download()
    expect(content).toMatchObject({
      bytes: output.bytes,
      sha256: output.sha256,
      mediaType: 'image/webp',
      offset: 0,
    })
    const bytes = await readBytes(content)
    expect(sha256Of(bytes)).toBe(output.sha256)
    const part = await output.download({ offset: 100, length: 50 })
    expect(part).toMatchObject({ bytes: output.bytes, offset: 100, length: 50 })
    expect(await readBytes(part)).toEqual(bytes.slice(100, 150))
    expect(sha256Of(await readBytes(await client().download({ image: image.id })))).toBe(sha256Of(both.photo))

    const resumed = await Array.fromAsync(client().watch(task.id, { after: events[2]?.token }))
    expect(resumed).toEqual(events.slice(3))
    expect(await Array.fromAsync(client().watch(task.id, { after: events.at(-1)?.token }))).toEqual([])
  }, 30_000)

  test('throws the error of a failed task as the server reports it', async () => {
    const broken = both.photo.slice(0, 700)
    const error = await catchError(client().process(broken, 'resize:100'))
    expect(error).toMatchObject({ code: 'corrupt_image', task: { status: 'failed' } })
  }, 30_000)

  test('lists tasks page by page, cancels, retries and deletes tasks', async () => {
    const { id: image } = await client().upload(both.photo)
    const created = new Set<string>()
    for (let i = 0; i < 3; i++) created.add((await client().createTask(image, { steps: [] })).id)
    const seen: string[] = []
    for await (const { id } of client().tasks({ limit: 2 })) seen.push(id)
    expect(new Set(seen).intersection(created)).toEqual(created)
    expect(new Set(seen).size).toBe(seen.length)

    const [id = ''] = created
    for await (const _ of client().watch(id));
    expect(await catchError(client().cancel(id))).toMatchObject({ code: 'task_ended', status: 409 })
    const retried = await client().retryTask(id)
    expect(retried).toMatchObject({ image, retryOf: id })
    expect((await client().follow(retried.id)).task).toMatchObject({ status: 'completed', retryOf: id })
    await client().deleteTask(id)
    expect(await catchError(client().retryTask(id))).toMatchObject({ code: 'task_not_found' })
    expect(await catchError(client().task(id))).toMatchObject({ code: 'task_not_found', status: 404 })
  }, 30_000)

  test('creates a task in the requested lane', async () => {
    const { id: image } = await client().upload(both.photo)
    const bulk = await client().createTask(image, 'resize:20', { lane: 'bulk' })
    const { id, lane } = await client().createTask(image, 'resize:20')
    expect([bulk.lane, lane]).toEqual(['bulk', 'interactive'])
    for (const task of [bulk.id, id]) {
      expect((await client().follow(task)).task).toMatchObject({ status: 'completed' })
    }
    const { task } = await client().process(both.photo, 'resize:20', { lane: 'bulk' })
    expect(task).toMatchObject({ status: 'completed', lane: 'bulk' })
  }, 30_000)

  test('runs calls with the same idempotency key once, and rejects a different call with that key', async () => {
    const key = crypto.randomUUID()
    const imageKey = { idempotencyKey: `${key}.image` }
    const image = await client().upload(both.photo, imageKey)
    expect(await client().upload(both.photo, imageKey)).toEqual(image)
    const taskKey = { idempotencyKey: `${key}.task` }
    const { id } = await client().createTask(image.id, 'resize:20', taskKey)
    expect((await client().createTask(image.id, 'resize:20', taskKey)).id).toBe(id)
    expect(await catchError(client().createTask(image.id, 'resize:21', taskKey))).toMatchObject({
      code: 'idempotency_key_reused',
    })
    const processKey = { idempotencyKey: key }
    expect((await client().process(both.photo, 'resize:20', processKey)).task.id).toBe(id)
  }, 30_000)

  test('reports the field and the request id of a rejected call', async () => {
    const { id } = await client().upload(both.photo)
    const error = await catchError(client().createTask(id, 'resize:100/blurr:2'))
    expect(error).toMatchObject({
      code: 'invalid_recipe',
      status: 400,
      title: 'Invalid recipe',
      field: expect.stringContaining('steps[1]'),
      requestId: expect.any(String),
    })
    expect(error.isTemporary).toBe(false)
    const unsupported = await catchError(client().upload(new TextEncoder().encode('not an image')))
    expect(unsupported).toMatchObject({ code: 'unsupported_format', status: 415 })
  })

  test('ends a call, an upload and an event stream when the signal aborts', async () => {
    const reason = new Error('enough')
    await expect(client().settings({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)

    const stop = new AbortController()
    const endless = (async function* () {
      yield both.photo.subarray(0, 20_000)
      setTimeout(() => stop.abort(reason), 50)
      await new Promise(() => {})
    })()
    await expect(client().upload(endless, { signal: stop.signal })).rejects.toBe(reason)

    const { id: image } = await client().upload(both.photo)
    const { id } = await client().createTask(image, 'blur:2/format:png')
    const watching = new AbortController()
    const kinds: string[] = []
    for await (const { kind } of client().watch(id, { signal: watching.signal })) {
      kinds.push(kind)
      watching.abort()
    }
    expect(kinds).toEqual(['queued'])
  }, 30_000)

  test('ends a call after its timeout', async () => {
    const endless = (async function* () {
      yield both.photo.subarray(0, 20_000)
      await new Promise(() => {})
    })()
    expect(await catchError(client().upload(endless, { timeoutMs: 100 }))).toMatchObject({
      code: 'deadline_exceeded',
      status: 504,
    })
  })
})

test('both protocols return the same values and accept the same event tokens', async () => {
  expect(await both.grpc.settings()).toEqual(await both.http.settings())
  expect(await both.grpc.operations()).toEqual(await both.http.operations())
  const [actor] = await both.http.actors()
  expect(actor).toMatchObject({ state: 'ready', kinds: jobKinds })
  // Tasks of previous tests may still be in progress, so the counts vary.
  const count = expect.any(Number)
  const counts = { residentBytes: count, children: count, held: count, sessions: count }
  const current = { ...counts, seenAt: expect.any(String), tasks: expect.any(Array) }
  expect(await both.grpc.actors()).toEqual([expect.objectContaining({ ...actor, ...current })])
  const image = await both.http.upload(both.photo)
  expect(await both.grpc.image(image.id)).toEqual(image)
  const { id } = await both.grpc.createTask(image.id, 'resize:300/blur:1/format:png')
  const seen: TaskEvent[] = []
  for (const client of [both.http, both.grpc, both.http, both.grpc]) {
    for await (const event of client.watch(id, { after: seen.at(-1)?.token })) {
      seen.push(event)
      if (seen.length % 2 === 0) break
    }
  }
  expect(seen).toEqual(await Array.fromAsync(both.http.watch(id)))
  expect(seen).toEqual(await Array.fromAsync(both.grpc.watch(id)))
  expect(await both.grpc.task(id)).toEqual(await both.http.task(id))
  // Tasks of previous tests may end between the two calls.
  await waitFor(
    'the same page of tasks',
    () => Promise.all([both.grpc, both.http].map((one) => one.taskPage({ limit: 3, status: 'completed' }))),
    ([overGrpc, overHttp]) => Bun.deepEquals(overGrpc, overHttp, true),
  )
}, 30_000)
