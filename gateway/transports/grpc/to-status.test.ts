import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ConnectError } from '@connectrpc/connect'
import { Fault, faults, type FaultCode } from '@pixelflow/core/fault'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { fromBinary } from '@bufbuild/protobuf'
import { Health } from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { failure, grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'
import { webClient, webProtocols } from '../../testing/web-client.ts'
import { toStatus } from './to-status.ts'

const calls = ImageService.method
let gateway: TestGateway
let native: GrpcClient
beforeAll(async () => {
  gateway = await openTestGateway({ env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' } })
  native = grpcClient(gateway.grpcAddress)
}, 60_000)
afterAll(async () => {
  native?.[Symbol.dispose]()
  await gateway?.[Symbol.asyncDispose]()
})

/** The message and the remedy of a failed call. */
async function errorOf(
  promise: Promise<unknown>,
): Promise<{ message: string; remedy?: string | undefined; field?: string | undefined }> {
  const { details, status } = await failure(promise)
  const find = (name: string) => status?.details.find((one) => one.typeUrl.endsWith(`/google.rpc.${name}`))
  const remedy = find('LocalizedMessage')
  const badRequest = find('BadRequest')
  return {
    message: details,
    ...(remedy ? { remedy: fromBinary(LocalizedMessageSchema, remedy.value).message } : {}),
    ...(badRequest
      ? { field: fromBinary(BadRequestSchema, badRequest.value).fieldViolations[0]?.field }
      : {}),
  }
}

describe('errors have the same wording over every protocol', () => {
  const metadata = { authorization: 'Basic x' }
  test('missing and invalid credentials over gRPC', async () => {
    expect(await errorOf(native.unary(calls.listTasks, {}))).toEqual({
      field: 'authorization',
      message: 'This call needs a token.',
      remedy: 'Send "Authorization: Bearer <token>" with a token from PIXELFLOW_API_TOKENS.',
    })
    expect((await errorOf(native.unary(calls.listTasks, {}, { metadata }))).message).toBe(
      'Authorization is not a bearer token.',
    )
  })

  test.each(webProtocols)('invalid credentials over %s', async (protocol) => {
    const call = webClient(ImageService, protocol, gateway).listTasks({}, { headers: metadata })
    const error = await call.catch((thrown: unknown) => ConnectError.from(thrown))
    expect((error as ConnectError).rawMessage).toBe('Authorization is not a bearer token.')
    const [remedy] = (error as ConnectError).findDetails(LocalizedMessageSchema)
    expect(remedy?.message).toContain('Send "Authorization: Bearer <token>"')
  })

  test('a Connect error in JSON has its details in JSON form', async () => {
    const response = await gateway.call('/pixelflow.v1.ImageService/CreateTask', {
      method: 'POST',
      body: JSON.stringify({ recipe: 'blur' }),
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret-of-ann' },
    })
    const { code, details } = (await response.json()) as {
      code: string
      details: { type: string; debug: unknown }[]
    }
    expect(code).toBe('invalid_argument')
    expect(Object.fromEntries(details.map(({ type, debug }) => [type, debug]))).toEqual({
      'google.rpc.ErrorInfo': { reason: 'INVALID_REQUEST', domain: 'pixelflow' },
      'google.rpc.RequestInfo': { requestId: response.headers.get('x-request-id') },
      'google.rpc.BadRequest': {
        fieldViolations: [
          {
            field: 'image',
            description: '"image" in the message is missing.',
            reason: 'INVALID_REQUEST',
          },
        ],
      },
      'google.rpc.LocalizedMessage': {
        locale: 'en',
        message: 'Set image to an id of this server (a UUIDv7 in lower case).',
      },
    })
  })

  test('an unsupported media type names the field as the proto does', async () => {
    const { reply, send } = native.upload({ metadata: { authorization: 'Bearer secret-of-ann' } })
    await send({ case: 'metadata', value: { mediaType: 'text/html' } })
    const { message, remedy, field } = await errorOf(reply)
    expect(message).toBe('The media type text/html is not supported.')
    expect(remedy).toContain('application/octet-stream')
    expect(field).toBe('metadata.media_type')
  })

  test.each([
    ['an invalid idempotency key', { 'idempotency-key': 'a b' }, 'Idempotency-Key', 'idempotency-key'],
    ['an invalid position', { 'pixelflow-position': '!' }, 'pixelflow-position', 'pixelflow-position'],
    ['an invalid token', { authorization: 'Basic x' }, 'Authorization', 'authorization'],
  ])('%s has the name of the protocol', async (_, sent, overHttp, overGrpc) => {
    const headers = { authorization: 'Bearer secret-of-ann', 'content-type': 'application/json', ...sent }
    const id = '01936f2e-7c5e-7abc-9def-0123456789ab'
    const isWrite = 'idempotency-key' in sent
    const response = isWrite
      ? gateway.call(`/api/v1/tasks/${id}/retry`, { method: 'POST', headers })
      : gateway.call('/api/v1/tasks', { headers })
    expect((await gateway.refusal(response)).field).toBe(overHttp)
    const { 'content-type': _type, ...metadata } = headers
    const call = isWrite
      ? native.unary(calls.retryTask, { id }, { metadata })
      : native.unary(calls.listTasks, {}, { metadata })
    expect((await errorOf(call)).field).toBe(overGrpc)
  })

  test('an unsupported content type points gRPC clients to the gRPC port', async () => {
    const responses = ['application/grpc', 'application/grpc+proto', 'text/plain', undefined].map(
      async (type) => {
        const response = await gateway.refusal(
          gateway.call('/pixelflow.v1.ImageService/GetVersion', {
            method: 'POST',
            body: new Uint8Array(5),
            ...(type === undefined ? {} : { headers: { 'content-type': type } }),
          }),
        )
        return [response.status, response.remedy?.includes('gRPC port'), response.field]
      },
    )
    expect(await Promise.all(responses)).toEqual([
      [415, true, 'Content-Type'],
      [415, true, 'Content-Type'],
      [415, false, 'Content-Type'],
      [415, false, 'Content-Type'],
    ])
  })
})

describe('another HTTP method on the path of a call', () => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])(
    '%s gets 405 with the allowed method',
    async (method) => {
      const response = await gateway.call('/pixelflow.v1.ImageService/GetVersion', { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    },
  )

  test('an unknown method is not found', async () => {
    const path = '/pixelflow.v1.ImageService/NoSuchCall'
    expect((await gateway.refusal(gateway.call(path, { method: 'POST' }))).status).toBe(404)
  })
})

// A lone surrogate cannot be encoded; in a status it once threw outside of every handler and ended the process.
describe('a long name that is cut in the middle of a surrogate pair', () => {
  const service = `${'a'.repeat(199)}😀`
  const cut = `Unknown service ${'a'.repeat(199)}�.`
  test('is reported over gRPC', async () => {
    expect((await errorOf(native.unary(Health.method.check, { service }))).message).toBe(cut)
    expect(await native.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  })

  test.each(webProtocols)('is reported over %s', async (protocol) => {
    const call = webClient(Health, protocol, gateway).check({ service })
    const error = await call.catch((thrown: unknown) => ConnectError.from(thrown))
    expect((error as ConnectError).rawMessage).toBe(cut)
  })
})

test.each(Object.keys(faults) as FaultCode[])(
  'the reason of %s has the form that AIP-193 requires',
  (code) => {
    const [info, , invalid] = toStatus(new Fault(code, 'No.', { field: 'x' }), {
      requestId: 'request-1',
    }).details
    const { reason } = fromBinary(ErrorInfoSchema, info?.value ?? new Uint8Array())
    expect(reason).toMatch(/^[A-Z][A-Z0-9_]{1,61}[A-Z0-9]$/)
    expect(reason.toLowerCase()).toBe(code)
    const { fieldViolations } = fromBinary(BadRequestSchema, invalid?.value ?? new Uint8Array())
    expect(fieldViolations).toMatchObject([{ field: 'x', reason }])
  },
)
