import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  DownloadRequestSchema,
  DownloadResponseSchema,
  GetVersionRequestSchema,
  ImageService,
  TaskEventKind,
  WatchTaskRequestSchema,
  WatchTaskResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { envelope, envelopesIn } from '../../../testing/envelope.ts'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { protocolCalls } from '../../../testing/protocol-calls.ts'

const calls = ImageService.method
const type = 'application/grpc-web-text'
let gateway: TestGateway
let image: string
let photo: Uint8Array
beforeAll(async () => {
  gateway = await openTestGateway()
  photo = await sampleImage({ width: 2400, height: 1800, quality: 95 })
  image = (await gateway.image(photo)).id
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

const path = (method: string) => `/pixelflow.v1.ImageService/${method}`
const post = (method: string, body: string, headers: Record<string, string> = { 'content-type': type }) =>
  gateway.call(path(method), { method: 'POST', body, headers })
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const version = envelope(toBinary(GetVersionRequestSchema, create(GetVersionRequestSchema)))

describe('gRPC-Web text mode', () => {
  test('returns a download of many messages byte for byte', async () => {
    const source = { case: 'image' as const, value: image }
    const asked = create(DownloadRequestSchema, { source })
    const { code, messages } = await protocolCalls['gRPC-Web, text'](gateway, calls.download, [asked])
    expect(code).toBe(0)
    const chunks = messages.map((one) => fromBinary(DownloadResponseSchema, one).data)
    expect(chunks[0]?.case).toBe('content')
    const bytes = chunks.flatMap((one) => (one.case === 'chunk' ? [one.value] : []))
    expect(bytes.length).toBeGreaterThan(2)
    expect(Buffer.concat(bytes).equals(photo)).toBe(true)
  })

  test('sends each event at once, in whole groups of four characters', async () => {
    const { id } = await gateway.submit(image)
    const asked = envelope(toBinary(WatchTaskRequestSchema, create(WatchTaskRequestSchema, { id })))
    const response = await post('WatchTask', base64(asked))
    const kinds: TaskEventKind[] = []
    let text = ''
    for await (const piece of response.body ?? []) {
      text += Buffer.from(piece).toString()
      if (text.length % 4 !== 0) continue
      const bytes = Buffer.concat([...text.matchAll(/[^=]+=*/g)].map(([one]) => Buffer.from(one, 'base64')))
      text = ''
      for (const { flag, bytes: message } of envelopesIn(bytes)) {
        if (flag === 0)
          kinds.push(fromBinary(WatchTaskResponseSchema, message).event?.kind ?? TaskEventKind.UNSPECIFIED)
      }
      // The next event is created only after the previous one was read, so none may be held back.
      if (kinds.length === 1) await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
      if (kinds.length === 2) await gateway.advance(id, 'cancelled', { status: 'cancelled' })
    }
    expect(kinds).toEqual([TaskEventKind.QUEUED, TaskEventKind.STARTED, TaskEventKind.CANCELLED])
  }, 30_000)

  test.each([
    ['one piece', base64(version)],
    ['pieces that are padded one by one', base64(version.subarray(0, 1)) + base64(version.subarray(1))],
  ])('is read in %s', async (_, body) => {
    const response = await post('GetVersion', body)
    expect(response.headers.get('content-type')).toBe('application/grpc-web-text+proto')
    expect(Buffer.from((await response.text()).slice(0, 8), 'base64')[0]).toBe(0)
  })

  test.each([
    ['text, for text', type, type, true],
    ['text, for text with a parameter', `${type}+proto; charset=utf-8`, '*/*', true],
    ['binary, for text', type, 'application/grpc-web+proto', false],
    ['text, for binary', 'application/grpc-web+proto', type, true],
    ['binary, for binary', 'application/grpc-web+proto', '', false],
  ])('responds to %s in the form that the client accepts', async (_, contentType, accept, isText) => {
    const body = contentType.includes('text') ? base64(version) : new Uint8Array(version)
    const headers = { 'content-type': contentType, ...(accept === '' ? {} : { accept }) }
    const response = await gateway.call(path('GetVersion'), { method: 'POST', body, headers })
    expect(response.headers.get('content-type')).toBe(`application/grpc-web${isText ? '-text' : ''}+proto`)
    const first = new Uint8Array(await response.arrayBuffer())[0]
    expect(first).toBe(isText ? 'A'.charCodeAt(0) : 0)
  })

  test.each([
    ['a character of no base64', `${base64(version)}!!!!`],
    ['half a group', `${base64(version)}AA`],
    ['padding in the middle of a group', 'A=AA'],
  ])('%s gets INVALID_ARGUMENT', async (_, body) => {
    const response = await post('GetVersion', body)
    const bytes = Buffer.concat(
      [...(await response.text()).matchAll(/[^=]+=*/g)].map(([one]) => Buffer.from(one, 'base64')),
    )
    expect(envelopesIn(bytes).at(-1)?.bytes.toString()).toContain('grpc-status: 3')
  })
})
