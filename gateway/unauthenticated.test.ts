import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { floodGrpc } from './testing/flood-grpc.ts'
import { floodHttp } from './testing/flood-http.ts'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

/** The gateway authenticates before it reads the body, so even incomplete requests without credentials are answered. */

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway({
    env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann', PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '195s' },
  })
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

async function waitForEnd(flood: { readonly opened: number; readonly ended: number }): Promise<void> {
  await waitFor(
    'all calls of the flood ended',
    () => flood.ended,
    (ended) => ended === flood.opened,
  )
}

const service = '/pixelflow.v1.ImageService'
const calls = () => gateway.logs.filter(({ msg }) => msg === 'call')

describe.each(['GetTask', 'CreateTask', 'WatchTask', 'Upload', 'ProcessImage', 'ProcessImageUnary', 'Tune'])(
  '%s without a token ends before its message is complete',
  (method) => {
    test('over native gRPC', async () => {
      const before = calls().length
      using flood = await floodGrpc({
        address: gateway.grpcAddress,
        connections: 1,
        streams: 3,
        path: `${service}/${method}`,
        declaredBytes: 1000,
        sentBytes: 10,
      })
      await waitForEnd(flood)
      await waitFor(
        'three calls logged',
        () => calls().length,
        (length) => length === before + 3,
      )
      expect(calls().at(-1)).toMatchObject({ status: 'Unauthenticated', code: 'unauthenticated' })
    })
  },
)

const refusals = () => gateway.logs.filter(({ code }) => code === 'unauthenticated')
const bodies: [string, string, string][] = [
  ['application/proto', `${service}/CreateTask`, '401'],
  ['application/json', `${service}/CreateTask`, '401'],
  ['application/proto', `${service}/ProcessImageUnary`, '401'],
  ['application/connect+proto', `${service}/WatchTask`, '200'],
  ['application/connect+json', `${service}/Upload`, '200'],
  ['application/connect+proto', `${service}/ProcessImage`, '200'],
  ['application/grpc-web+proto', `${service}/GetTask`, '200'],
  ['application/grpc-web-text', `${service}/GetTask`, '200'],
  ['application/json', '/api/v1/tasks', '401'],
  ['multipart/form-data; boundary=b', '/api/v1/tasks', '401'],
  ['multipart/form-data; boundary=b', '/api/v1/images', '401'],
  ['image/jpeg', '/api/v1/images', '401'],
  ['image/jpeg', '/api/v1/process?recipe=flip', '401'],
]

test.each(bodies)(
  '%s to %s without a token is answered before its body is complete',
  async (type, path, status) => {
    const before = refusals().length
    using flood = await floodHttp({
      url: gateway.url,
      path,
      count: 2,
      headers: { 'content-type': type },
      sentBytes: 100,
    })
    await waitForEnd(flood)
    expect(flood.responses).toEqual({ [status]: 2 })
    await waitFor(
      'two refusals logged',
      () => refusals().length,
      (length) => length === before + 2,
    )
  },
)

test('public calls accept messages of at most 64 KiB', async () => {
  const path = `${service}/GetVersion`
  const declaredBytes = 65_537
  using native = await floodGrpc({
    address: gateway.grpcAddress,
    connections: 1,
    streams: 1,
    path,
    declaredBytes,
    sentBytes: 10,
  })
  using connect = await floodHttp({
    url: gateway.url,
    path,
    count: 1,
    headers: { 'content-type': 'application/proto' },
    sentBytes: declaredBytes,
  })
  await Promise.all([waitForEnd(native), waitForEnd(connect)])
  expect(connect.responses).toEqual({ 429: 1 })
  const refused = calls().slice(-2)
  expect(refused.map(({ code }) => code)).toEqual(['resource_limit_exceeded', 'resource_limit_exceeded'])
})
