import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { says } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Client, Content, TaskEvent } from './client.ts'
import { PixelflowError } from './error.ts'
import { openGrpc } from './grpc/open.ts'
import { openHttp } from './index.ts'

/** The one interface over each protocol, against shipped processes: what works over one works over the other. */

let stack: Stack
let gateway: GatewayProcess
let photo: Uint8Array<ArrayBuffer>
let http: Client
let grpc: Client

beforeAll(async () => {
  stack = await startStack()
  ;[gateway] = await Promise.all([stack.gateway(), stack.actor()])
  photo = Uint8Array.from(await sampleImage({ width: 900, height: 600 }))
  http = openHttp({ url: gateway.url })
  const { grpc: address } = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  grpc = openGrpc({ address })
}, 60_000)
afterAll(async () => {
  await grpc?.[Symbol.asyncDispose]()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const clients = [
  ['http', () => http],
  ['grpc', () => grpc],
] as const

describe.each(clients)('over %s', (_, opened) => {
  test('says what it is', async () => {
    expect(await opened().settings()).toMatchObject({
      auth: 'none',
      formats: expect.arrayContaining(['jpeg']),
    })
    const { operations, recipe } = await opened().operations()
    expect(operations.map((one) => one.name)).toContain('resize')
    expect(recipe).toMatchObject({ type: 'object' })
  })

  test('takes a picture in whatever it is held, and tells how much has been sent', async () => {
    const half = photo.length >> 1
    const sources = [
      photo,
      photo.buffer,
      new Blob([photo], { type: 'image/jpeg' }),
      new Blob([photo]).stream(),
      (async function* () {
        yield photo.subarray(0, half)
        yield photo.subarray(half)
      })(),
    ]
    for (const source of sources) {
      const sent: [number, number | null][] = []
      const image = await opened().upload(source, { onSent: (...told) => sent.push(told) })
      expect(image).toMatchObject({ bytes: photo.length, sha256: digest(photo), width: 900, format: 'jpeg' })
      expect(sent.at(-1)?.[0]).toBe(photo.length)
      await opened().deleteImage(image.id)
      expect(await refusal(opened().image(image.id))).toMatchObject({ code: 'image_not_found', status: 404 })
    }
  })

  test('processes, tells every event once, and gives the output', async () => {
    const events: TaskEvent[] = []
    const { task, outputs, image } = await opened().process(photo, 'resize:300/format:webp', {
      onEvent: (event) => events.push(event),
    })
    expect(events.map((one) => one.kind)).toEqual([
      'queued',
      'started',
      'fetched',
      'decoded',
      'output',
      'completed',
    ])
    expect(new Set(events.map((one) => one.token)).size).toBe(6)
    expect(task).toMatchObject({ status: 'completed', progress: 100, image: image.id })
    expect(await opened().task(task.id)).toEqual(task)
    const [output] = outputs
    if (!output) throw new Error('no output')
    const whole = await output.download()
    expect(whole).toMatchObject({
      bytes: output.bytes,
      sha256: output.sha256,
      mediaType: 'image/webp',
      offset: 0,
    })
    const bytes = await bytesOf(whole)
    expect(digest(bytes)).toBe(output.sha256)
    const part = await output.download({ offset: 100, length: 50 })
    expect(part).toMatchObject({ bytes: output.bytes, offset: 100, length: 50 })
    expect(await bytesOf(part)).toEqual(bytes.slice(100, 150))
    expect(digest(await bytesOf(await opened().download({ image: image.id })))).toBe(digest(photo))

    const again = await Array.fromAsync(opened().watch(task.id, { after: events[2]?.token }))
    expect(again).toEqual(events.slice(3))
    expect(await Array.fromAsync(opened().watch(task.id, { after: events.at(-1)?.token }))).toEqual([])
  }, 30_000)

  test('gives a picture for a picture in one call', async () => {
    const recipes = [
      'resize:300/format:webp',
      {
        steps: [
          { op: 'resize', width: 300 },
          { op: 'format', type: 'webp' },
        ],
      },
    ]
    for (const source of [photo, new Blob([photo]).stream()]) {
      for (const recipe of recipes.slice(source === photo ? 0 : 1)) {
        const picture = await opened().processImage(source, recipe)
        expect(picture).toMatchObject({ mediaType: 'image/webp' })
        const bytes = new Uint8Array(await new Response(picture.body).arrayBuffer())
        expect([digest(bytes), bytes.length]).toEqual([picture.sha256, picture.bytes])
      }
    }
    const several = { steps: [], outputs: { a: { steps: [{ op: 'resize', width: 10 }] }, b: { steps: [] } } }
    const small = await opened().processImage(photo, several, { output: 'a' })
    expect(small.bytes).toBeLessThan(2000)
    await small.body.cancel()
    // Longer than a query may be.
    const long = {
      steps: [{ op: 'resize', width: 10 }],
      outputs: { a: { steps: [] }, ['b'.repeat(5000)]: { steps: [] } },
    }
    expect(await refusal(opened().processImage(photo, long, { output: 'a' }))).toMatchObject({
      code: 'invalid_recipe',
    })
    expect(await refusal(opened().processImage(photo.slice(0, 700), 'resize:10'))).toMatchObject({
      code: 'corrupt_image',
    })
  }, 30_000)

  test('tunes: a preview for each change, what is wrong refused by name, and a task in the end', async () => {
    const { id: image } = await opened().upload(photo)
    await using tuning = await opened().tune({
      image,
      recipe: 'resize:300/blur:1',
      preview: { format: 'webp' },
    })
    expect(tuning.opened).toMatchObject({ source: { width: 900, height: 600 } })
    const first = await tuning.preview(0)
    expect(first).toMatchObject({ format: 'webp', output: 'default', result: { width: 300, height: 200 } })
    expect(first.file.length).toBe(first.bytes)

    const softer = await tuning.preview(tuning.change({ set: { 'steps[1].sigma': 9 } }))
    expect(softer.file).not.toEqual(first.file)
    expect(await refusal(tuning.preview(tuning.change({ set: { 'steps[1].sigma': -1 } })))).toMatchObject({
      code: 'invalid_recipe',
      field: 'steps[1].sigma',
    })
    for (const sigma of [2, 3, 4, 5, 6]) tuning.change({ recipe: `resize:200/blur:${sigma}/format:png` })
    expect((await tuning.preview(7)).result).toEqual({ width: 200, height: 133 })

    const heard: string[] = []
    for await (const { type } of tuning) {
      heard.push(type)
      if (type === 'preview') break
    }
    expect(heard).toEqual(['opened', 'refused', 'preview'])
    const { id, recipe } = await tuning.apply()
    expect(recipe).toMatchObject({ steps: [{ op: 'resize' }, { sigma: 6 }, { op: 'format' }] })
    const events = await Array.fromAsync(opened().watch(id))
    expect(events.at(-1)?.task).toMatchObject({
      status: 'completed',
      outputs: [{ format: 'png', width: 200 }],
    })
  }, 30_000)

  test('a session that cannot be opened, or is given up, says so', async () => {
    const image = '01890a5d-ac96-774b-bcce-b302099a8057'
    expect(await refusal(opened().tune({ image, recipe: 'blur' }))).toMatchObject({ code: 'image_not_found' })
    const stop = new AbortController()
    const stored = await opened().upload(photo)
    const tuning = await opened().tune({ image: stored.id, recipe: 'blur', signal: stop.signal })
    await tuning.preview(0)
    const reason = new Error('enough')
    const waiting = tuning.preview(99)
    stop.abort(reason)
    expect(await waiting.catch((error: unknown) => error)).toBe(reason)
    expect(await tuning.apply().catch((error: unknown) => error)).toBe(reason)
    await tuning[Symbol.asyncDispose]()
  }, 30_000)

  test('a task that fails throws why, in the words of the server', async () => {
    const broken = photo.slice(0, 700)
    const error = await refusal(opened().process(broken, 'resize:100'))
    expect(error).toMatchObject({ code: 'corrupt_image', task: { status: 'failed' } })
  }, 30_000)

  test('lists page by page, cancels, deletes', async () => {
    const { id: image } = await opened().upload(photo)
    const made = new Set<string>()
    for (let i = 0; i < 3; i++) made.add((await opened().createTask(image, { steps: [] })).id)
    const seen: string[] = []
    for await (const { id } of opened().tasks({ limit: 2 })) seen.push(id)
    expect(new Set(seen).intersection(made)).toEqual(made)
    expect(new Set(seen).size).toBe(seen.length)

    const [id = ''] = made
    for await (const _ of opened().watch(id));
    expect(await refusal(opened().cancel(id))).toMatchObject({ code: 'task_ended', status: 409 })
    await opened().deleteTask(id)
    expect(await refusal(opened().task(id))).toMatchObject({ code: 'task_not_found', status: 404 })
  }, 30_000)

  test('a refusal names the field, the remedy and the request', async () => {
    const { id } = await opened().upload(photo)
    const error = await refusal(opened().createTask(id, 'resize:100/blurr:2'))
    expect(error).toMatchObject({
      code: 'invalid_recipe',
      status: 400,
      title: 'The recipe is not valid',
      field: expect.stringContaining('steps[1]'),
      requestId: expect.any(String),
    })
    expect(error.isTemporary).toBe(false)
    const strange = await refusal(opened().upload(new TextEncoder().encode('not a picture at all')))
    expect(strange).toMatchObject({ code: 'unsupported_format', status: 415 })
  })

  test('ends when it is told to: a call, an upload, a watch', async () => {
    const reason = new Error('enough')
    expect(opened().settings({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)

    const stop = new AbortController()
    const endless = (async function* () {
      yield photo.subarray(0, 20_000)
      setTimeout(() => stop.abort(reason), 50)
      await new Promise(() => {})
    })()
    expect(opened().upload(endless, { signal: stop.signal })).rejects.toBe(reason)

    const { id: image } = await opened().upload(photo)
    const { id } = await opened().createTask(image, 'blur:2/format:png')
    const leave = new AbortController()
    const kinds: string[] = []
    for await (const { kind } of opened().watch(id, { signal: leave.signal })) {
      kinds.push(kind)
      leave.abort()
    }
    expect(kinds).toEqual(['queued'])
  }, 30_000)

  test('takes no longer than it may', async () => {
    const never = (async function* () {
      yield photo.subarray(0, 20_000)
      await new Promise(() => {})
    })()
    expect(await refusal(opened().upload(never, { timeoutMs: 100 }))).toMatchObject({
      code: 'deadline_exceeded',
      status: 504,
    })
  })
})

test('both tell the same, and a watch may change from one to the other', async () => {
  expect(await grpc.settings()).toEqual(await http.settings())
  expect(await grpc.operations()).toEqual(await http.operations())
  const image = await http.upload(photo)
  expect(await grpc.image(image.id)).toEqual(image)
  const { id } = await grpc.createTask(image.id, 'resize:300/blur:1/format:png')
  const seen: TaskEvent[] = []
  for (const client of [http, grpc, http, grpc]) {
    for await (const event of client.watch(id, { after: seen.at(-1)?.token })) {
      seen.push(event)
      if (seen.length % 2 === 0) break
    }
  }
  expect(seen).toEqual(await Array.fromAsync(http.watch(id)))
  expect(seen).toEqual(await Array.fromAsync(grpc.watch(id)))
  expect(await grpc.task(id)).toEqual(await http.task(id))
  expect(await grpc.taskPage({ limit: 3, status: 'completed' })).toEqual(
    await http.taskPage({ limit: 3, status: 'completed' }),
  )
}, 30_000)

async function refusal(call: Promise<unknown>): Promise<PixelflowError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PixelflowError) return thrown
  throw new Error(`no refusal but ${String(thrown)}`, { cause: thrown })
}

async function bytesOf({ body }: Content): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer())
}

function digest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}
