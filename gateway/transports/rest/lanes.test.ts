import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { ImageService, Lane } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'

let gateway: TestGateway
let client: GrpcClient
let photo: Uint8Array<ArrayBuffer>
let image: string

beforeAll(async () => {
  gateway = await openTestGateway()
  client = grpcClient(gateway.grpcAddress)
  photo = new Uint8Array(await sampleImage({ width: 60, height: 40 }))
  image = (await gateway.image(photo)).id
}, 60_000)
afterAll(async () => {
  client?.[Symbol.dispose]()
  await gateway?.[Symbol.asyncDispose]()
})

interface TaskRequest {
  readonly path?: string
  readonly body: Blob | FormData | string
  readonly headers?: Record<string, string>
}

// A function, because the image is created in `beforeAll`, after the cases.
type RequestFactory = () => TaskRequest
const send = (createRequest: RequestFactory) => {
  const { path = '/api/v1/tasks', body, headers = {} } = createRequest()
  return gateway.call(path, { method: 'POST', body, headers })
}
const byJson =
  (more: object): RequestFactory =>
  () => ({
    body: JSON.stringify({ image, recipe: 'flip', ...more }),
    headers: { 'content-type': 'application/json' },
  })
const byForm =
  (...lanes: readonly string[]): RequestFactory =>
  () => {
    const body = new FormData()
    body.set('file', new Blob([photo], { type: 'image/jpeg' }), 'a.jpg')
    body.set('recipe', 'flip')
    for (const lane of lanes) body.append('lane', lane)
    return { body }
  }
/** As `curl -F lane=@file` sends it. */
const byFile =
  (lane: string): RequestFactory =>
  () => {
    const { body } = byForm()() as { body: FormData }
    body.set('lane', new Blob([`${lane}\n`]), 'lane.txt')
    return { body }
  }
const byQuery =
  (lane: string, prefer?: string): RequestFactory =>
  () => ({
    path: `/api/v1/process?recipe=flip${lane}`,
    body: new Blob([photo], { type: 'image/jpeg' }),
    headers: prefer === undefined ? {} : { prefer },
  })
const later = 'respond-async'
const recipe = { kind: { case: 'stringValue', value: 'flip' } } as const

/** The lane of the response and of the event log. */
async function laneIn(answer: Response): Promise<string> {
  const { id, lane } = (await answer.json()) as TaskView
  const last = await gateway.adapters.events.last('local', id)
  return `${answer.status} ${lane} ${last?.event.task.lane}`
}

describe('the lane of a task', () => {
  test.each([
    ['JSON', byJson({ lane: 'bulk' }), byJson({ lane: 'interactive' }), byJson({})],
    ['a form', byForm('bulk'), byForm('interactive'), byForm()],
    ['the query', byQuery('&lane=bulk', later), byQuery('&lane=interactive', later), byQuery('', later)],
  ])('is set by %s, interactive by default', async (_, bulk, interactive, none) => {
    expect(await laneIn(await send(bulk))).toBe('202 bulk bulk')
    expect(await laneIn(await send(interactive))).toBe('202 interactive interactive')
    expect(await laneIn(await send(none))).toBe('202 interactive interactive')
  })

  test('is set by a form part that is a file', async () => {
    expect(await laneIn(await send(byFile('bulk')))).toBe('202 bulk bulk')
  })

  test('is set by gRPC, interactive by default', async () => {
    const lanes = [Lane.BULK, Lane.INTERACTIVE, Lane.UNSPECIFIED]
    const made = await Promise.all(
      lanes.map((lane) => client.unary(ImageService.method.createTask, { image, recipe, lane })),
    )
    expect(made.map(({ task }) => task?.lane)).toEqual([Lane.BULK, Lane.INTERACTIVE, Lane.INTERACTIVE])
    const call = client.serverStream(ImageService.method.process, { image, recipe, lane: Lane.BULK })
    call.on('error', () => {})
    for await (const { data } of call) {
      expect(data.case === 'event' && data.value.task?.lane).toBe(Lane.BULK)
      break
    }
    call.cancel()
  })

  test('is that of the retried task', async () => {
    const { id } = (await (await send(byJson({ lane: 'bulk' }))).json()) as TaskView
    await gateway.cancelTask(id)
    const again = await gateway.retryTask(id)
    expect(await laneIn(again)).toBe('202 bulk bulk')
  })
})

describe('an invalid lane is refused', () => {
  test.each([
    ['an unknown lane in JSON', byJson({ lane: 'fast' })],
    ['an unknown lane in a form', byForm('fast')],
    ['a second lane in a form', byForm('bulk', 'bulk')],
    ['an unknown lane in the query', byQuery('&lane=fast', later)],
    ['a lane without Prefer: respond-async', byQuery('&lane=bulk')],
  ])('%s', async (_, createRequest) => {
    const before = await gateway.messages()
    expect(await gateway.refusal(send(createRequest))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      field: 'lane',
    })
    expect(await gateway.messages()).toEqual(before)
  })

  test('an unknown lane, over Connect', async () => {
    const answer = await gateway.call('/pixelflow.v1.ImageService/CreateTask', {
      method: 'POST',
      body: JSON.stringify({ image, recipe: 'flip', lane: 7 }),
      headers: { 'content-type': 'application/json' },
    })
    const refused = { code: 'invalid_argument', message: 'Unknown lane 7.' }
    const body = (await answer.json()) as { details: { value: string }[] }
    expect([answer.status, body]).toMatchObject([400, refused])
    expect(body.details.map(({ value }) => atob(value)).join()).toContain('LANE_INTERACTIVE, LANE_BULK')
  })
})

test('the lane is part of an idempotent call', async () => {
  const keyed = (more: object) => {
    const { body, headers } = byJson(more)()
    return send(() => ({ body, headers: { ...headers, 'idempotency-key': 'lanes' } }))
  }
  const { id } = (await (await keyed({ lane: 'bulk' })).json()) as TaskView
  expect(await (await keyed({ lane: 'bulk' })).json()).toMatchObject({ id, lane: 'bulk' })
  expect(await gateway.refusal(keyed({}))).toMatchObject({ code: 'idempotency_key_reused' })
})
