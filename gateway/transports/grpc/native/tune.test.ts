import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { StructSchema } from '@bufbuild/protobuf/wkt'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { ImageService, TaskStatus, TuneChangeSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage, type RunningProcess } from '@pixelflow/testkit/process'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTuneStream, type TuneInput } from '../../../testing/open-tune-stream.ts'
import { failure, grpcClient, uploadWhole, type GrpcClient } from '../../../testing/grpc-client.ts'

/** Tuning over native gRPC, with gateway, broker and actors as processes. */

const calls = ImageService.method
let stack: Stack
let actor: RunningProcess
let client: GrpcClient
let url: string
let image: string

beforeAll(async () => {
  stack = await startStack({ env: { PIXELFLOW_MAX_TUNE_SESSIONS_PER_ACCOUNT: '3' } })
  const [gateway, first] = await Promise.all([stack.gateway(), stack.actor()])
  actor = first
  url = gateway.url
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  client = grpcClient(grpc)
  image = (await uploadWhole(client, await sampleImage({ width: 2400, height: 1600 })))?.id ?? ''
}, 60_000)
afterAll(async () => {
  client?.[Symbol.dispose]()
  await stack?.[Symbol.asyncDispose]()
})

const text = (value: string) => ({ kind: { case: 'stringValue' as const, value } })
const open = (recipe: string): TuneInput => ({ case: 'open', value: { image, recipe: text(recipe) } })
const change = (sequence: number, recipe: string): TuneInput => ({
  case: 'change',
  value: { sequence: BigInt(sequence), recipe: text(recipe) },
})

/** A change whose parameters hold a `Value` without a kind: the JSON object of a message has no form for it. */
function changeWithoutKind(sequence: bigint, set: MessageInitShape<typeof StructSchema>): TuneInput {
  const parameters = new BinaryWriter().bytes(toBinary(StructSchema, create(StructSchema, set))).finish()
  const value = create(TuneChangeSchema, { sequence })
  value.$unknown = [{ no: 3, wireType: WireType.LengthDelimited, data: parameters }]
  return { case: 'change', value }
}

describe('a gateway that stops', () => {
  test('ends sessions with UNAVAILABLE', async () => {
    const gateway = await stack.gateway()
    const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
    using other = grpcClient(grpc)
    const session = openTuneStream(other)
    session.send(open('resize:40'))
    await session.preview(0)
    gateway.signal('SIGTERM')
    const refused = await failure(session.receive('restored'))
    expect(refused.code).toBe(14)
    expect(refused.details).toBe('This gateway is stopping.')
    expect(await gateway.exited).toBe(0)
  }, 30_000)
})

describe('tuning', () => {
  test('renders changes, refuses invalid ones, applies, and ends with the request stream', async () => {
    const session = openTuneStream(client)
    session.send(open('resize:1200/blur:3'))
    expect(await session.receive('opened')).toMatchObject({
      source: { width: 2400, height: 1600 },
      preview: { width: 1254, height: 836 },
    })
    const first = await session.preview(0)
    expect(first.about).toMatchObject({ width: 1200, height: 800, format: 'jpeg', mediaType: 'image/jpeg' })
    expect(first.bytes.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]))

    session.send({ case: 'change', value: { sequence: 1n, set: { 'steps[1].sigma': -4 } } })
    const refused = await session.receive('refused')
    expect(refused).toMatchObject({ sequence: 1n, apply: false, fault: { code: 'invalid_recipe' } })
    expect(refused?.fault?.field).toBe('steps[1].sigma')
    session.send({ case: 'change', value: { sequence: 2n, set: { 'steps[0].width': 90 } } })
    expect((await session.preview(2)).about).toMatchObject({ width: 90, height: 60 })

    const nan = { kind: { case: 'numberValue' as const, value: Number.NaN } }
    const bad: TuneInput[] = [
      { case: 'change', value: { sequence: 3n, set: { 'steps[1].sigma': Number.NaN } } },
      { case: 'change', value: { sequence: 4n, recipe: nan } },
      { case: 'change', value: { sequence: 5n, recipe: {} } },
      changeWithoutKind(6n, { fields: { 'steps[1].sigma': {} } }),
      changeWithoutKind(7n, {
        fields: { 'steps[1].sigma': { kind: { case: 'listValue', value: { values: [{}] } } } },
      }),
    ]
    for (const data of bad) {
      session.send(data)
      expect(await session.receive('refused')).toMatchObject({
        apply: false,
        fault: { code: 'invalid_recipe' },
      })
    }

    session.send({ case: 'apply', value: { sequence: 1n } })
    expect(await session.receive('refused')).toMatchObject({
      apply: true,
      fault: { code: 'precondition_failed' },
    })
    session.send({ case: 'apply', value: { sequence: 2n } })
    const { task, sequence, position } = await session.receive('applied')
    expect(position).toMatch(/^[0-9a-z]+\.[0-9a-z]+$/)
    expect(sequence).toBe(2n)
    session.send(change(8, 'resize:50'))
    session.call.end()
    expect((await session.preview(8)).about.width).toBe(50)
    expect(await session.next()).toBeNull()

    const readTask = async () => (await client.unary(calls.getTask, { id: task?.id ?? '' })).task
    const done = await waitFor('task completed', readTask, (one) => one?.status === TaskStatus.COMPLETED)
    expect(done).toMatchObject({
      image,
      outputs: [{ width: 90, height: 60 }],
      recipe: {
        steps: [
          { op: 'resize', width: 90 },
          { op: 'blur', sigma: 3 },
        ],
      },
    })
  }, 60_000)

  test('a thousand changes produce few previews, including the last one', async () => {
    const session = openTuneStream(client)
    session.send(open('blur:2'))
    await session.preview(0)
    for (let sequence = 1; sequence <= 1000; sequence += 1)
      session.send(change(sequence, `blur:${sequence / 40 + 1}`))
    const answered: bigint[] = []
    while (answered.at(-1) !== 1000n) answered.push((await session.receive('preview')).sequence)
    expect(answered.length).toBeLessThan(60)
    session.call.cancel()
  }, 60_000)

  test('continues on another actor when its own is killed', async () => {
    const session = openTuneStream(client)
    session.send(open('blur:2'))
    await session.preview(0)
    session.send(change(1, 'resize:60'))
    actor.signal('SIGKILL')
    actor = await stack.actor()
    await session.receive('restored')
    session.send(change(2, 'resize:70'))
    expect((await session.preview(2)).about.width).toBe(70)
    session.call.cancel()
  }, 60_000)

  test('continues on another actor when its own stops', async () => {
    const next = await stack.actor()
    const sessions = [openTuneStream(client), openTuneStream(client)]
    for (const session of sessions) {
      session.send(open('blur:2'))
      await session.preview(0)
    }
    actor.signal('SIGTERM')
    expect(await actor.exited).toBe(0)
    actor = next
    for (const session of sessions) {
      session.send(change(1, 'resize:60'))
      expect((await session.preview(1)).about.width).toBe(60)
      session.call.cancel()
    }
  }, 60_000)

  test('continues after a restart of the broker', async () => {
    const session = openTuneStream(client)
    session.send(open('blur:2'))
    await session.preview(0)
    await stack.nats.restart()
    session.send(change(1, 'resize:60'))
    await session.receive('restored')
    expect((await session.preview(1)).about.width).toBe(60)
    session.call.cancel()
  }, 60_000)

  test.each([
    ['an unknown image', { image: '01890a5d-ac96-774b-bcce-b302099a8057' }, 5, 'IMAGE_NOT_FOUND'],
    ['an invalid image id', { image: 'x' }, 5, 'IMAGE_NOT_FOUND'],
    ['an invalid recipe', { recipe: text('blurr:3') }, 3, 'INVALID_RECIPE'],
    ['an invalid preview', { preview: { maxPixels: 7 } }, 3, 'INVALID_REQUEST'],
    ['an unknown output', { output: 'thumb' }, 3, 'INVALID_RECIPE'],
  ])('is refused for %s', async (_, wrong, code, reason) => {
    const session = openTuneStream(client)
    session.send({ case: 'open', value: { image, recipe: text('flip'), ...wrong } })
    const refused = await failure(session.next())
    expect(refused.code).toBe(code)
    expect(Buffer.from(refused.status?.details[0]?.value ?? []).toString()).toContain(reason)
  })

  test('must start with an open message', async () => {
    const session = openTuneStream(client)
    session.send(change(1, 'flip'))
    expect((await failure(session.next())).code).toBe(3)
    const silent = openTuneStream(client)
    silent.call.end()
    expect((await failure(silent.next())).code).toBe(3)
  })

  test.each(['application/connect+proto', 'application/grpc-web+proto'])(
    'is refused over %s',
    async (type) => {
      const headers = { 'content-type': type, 'connect-protocol-version': '1' }
      const response = await fetch(`${url}/pixelflow.v1.ImageService/Tune`, {
        method: 'POST',
        headers,
        body: '',
      })
      const whole = `${[...response.headers].join(' ')} ${await response.text()}`
      expect(whole).toMatch(/"unimplemented"|grpc-status[:,] ?12/)
      expect(decodeURIComponent(whole.replaceAll(/%(?![0-9A-F]{2})/g, ''))).toContain(
        'both directions at once',
      )
    },
  )

  test('the sessions of an account are limited', async () => {
    const sessions = Array.from({ length: 3 }, () => openTuneStream(client))
    for (const session of sessions) {
      session.send(open('resize:40'))
      await session.preview(0)
    }
    const more = openTuneStream(client)
    more.send(open('resize:40'))
    const refused = await failure(more.next())
    expect(refused.code).toBe(8)
    expect(refused.details).toContain('3 tuning sessions')
    for (const session of sessions) session.call.cancel()
    await waitFor('another session accepted', async () => {
      const again = openTuneStream(client)
      again.send(open('resize:40'))
      return again.next().then(
        () => (again.call.cancel(), true),
        () => false,
      )
    })
  }, 30_000)
})
