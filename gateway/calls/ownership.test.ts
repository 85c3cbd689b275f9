import { describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary, type Message } from '@bufbuild/protobuf'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import { toMessage, type MessageJson } from '@pixelflow/proto/message-json'
import type { ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import { sampleDeadLetter } from '@pixelflow/testkit/contracts/dead-letters'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { Metadata, status } from '@grpc/grpc-js'
import { failure, grpcClient } from '../testing/grpc-client.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import * as calls from './calls.gen.ts'
import { needsAccount } from './call-runner.ts'
import type { CallDeclaration } from './declare-call.ts'

/**
 * Every declared call, made by bob with the ids of what ann owns. The rows come from the declarations, so a new call is
 * part of it.
 */

interface Owned {
  readonly gateway: TestGateway
  readonly image: string
  readonly task: string
  readonly deadLetter: string
}
let owned: Owned
useFixture(openOwned, (opened) => (owned = opened))

async function openOwned(): Promise<Owned & AsyncDisposable> {
  const env = { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob,operator:secret:admin' }
  const gateway = await openTestGateway({ env })
  const photo = new Uint8Array(await sampleImage({ width: 64, height: 48 }))
  const { id: image } = (await (
    await callAs(gateway, 'ann', 'POST', '/api/v1/images', photo, 'image/jpeg')
  ).json()) as ImageView
  const body = JSON.stringify({ image, recipe: 'resize:32' })
  const { id: task } = (await (
    await callAs(gateway, 'ann', 'POST', '/api/v1/tasks', body, 'application/json')
  ).json()) as TaskView
  const sample = sampleDeadLetter({ account: 'ann', task })
  await gateway.adapters.deadLetters.put(sample)
  const deadLetter = `${sample.kind}.ann.${task}`
  return { gateway, image, task, deadLetter, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

function callAs(
  gateway: TestGateway,
  account: string,
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
  type = 'application/json',
): Promise<Response> {
  const headers = { authorization: `Bearer secret-of-${account}`, 'content-type': type }
  return gateway.call(path, { method, headers, ...(body === undefined ? {} : { body }) })
}

/** Values of input fields that name what ann owns, by the format of the field; others are left out. */
function idsOf(call: CallDeclaration): Readonly<Record<string, string>> {
  const formats: Readonly<Record<string, string>> = {
    'image-id': owned.image,
    'task-id': owned.task,
    'dead-letter-id': owned.deadLetter,
  }
  const { properties = {} } = toJsonSchema(call.input)
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, { format }]) => {
      const id = format === undefined ? undefined : formats[format]
      return id === undefined ? [] : [[name, id]]
    }),
  )
}

const all = Object.values(calls) as CallDeclaration[]
const namesOwned = (call: CallDeclaration) =>
  Object.values(toJsonSchema(call.input).properties ?? {}).some(({ format }) => format?.endsWith('-id'))

/** A call with one request and one response that names no resource of an account. */
const isGeneral = (call: CallDeclaration) =>
  call.kind === 'unary' && !namesOwned(call) && call.http?.body === undefined

/** Calls with bodies or streams that name a resource in them; tests below make them. */
const madeBelow = ['createTask', 'processTask', 'download', 'tune']
/** Calls with bodies or streams that neither name nor return a resource of an account. */
const withoutResources = ['uploadImage', 'processImage', 'processImageUnary', 'getMetrics']

test('every call of an account is a row, or is listed', () => {
  const rest = all.filter(
    (call) => needsAccount(call.access) && (!namesOwned(call) || call.http?.body) && !isGeneral(call),
  )
  expect(rest.map(({ name }) => name).sort()).toEqual([...madeBelow, ...withoutResources].sort())
})

describe('another account does not find what ann owns', () => {
  const rows = all.filter((call) => namesOwned(call) && call.http?.body === undefined)
  test.each(rows.filter(({ http }) => http).map((call) => [call.name, call] as const))(
    '%s over REST',
    async (_, call) => {
      const ids = { name: 'default', ...idsOf(call) }
      const path = Object.entries(ids).reduce(
        (template, [name, value]) => template.replace(`{${name}}`, value),
        call.http?.path ?? '',
      )
      const response = await callAs(owned.gateway, 'bob', call.http?.method ?? 'GET', path)
      // Dead letters belong to operators.
      expect(response.status).toBe(call.access === 'admin' ? 403 : 404)
      expect(await response.text()).not.toContain('"ann"')
    },
  )

  test.each(rows.flatMap((call) => (call.rpc ? [[call.name, call, call.rpc] as const] : [])))(
    '%s over gRPC',
    async (_, call, method) => {
      const request = create(method.input, toMessage(method.input, idsOf(call)))
      expect((await failure(callOverGrpc(method, request))).code).toBe(status.NOT_FOUND)
    },
  )

  test.each(all.filter(isGeneral).map((call) => [call.name, call] as const))(
    'in the response of %s',
    async (_, call) => {
      const { properties = {} } = toJsonSchema(call.input) as {
        readonly properties?: Record<string, { readonly examples?: readonly string[] }>
      }
      const path = (call.http?.path ?? '').replace(
        /\{(\w+)\}/g,
        (_all, name: string) => properties[name]?.examples?.[0] ?? '',
      )
      const response = await callAs(owned.gateway, 'bob', call.http?.method ?? 'GET', path)
      expect(response.status).toBe(call.access === 'admin' ? 403 : 200)
      const text = await response.text()
      for (const id of [owned.image, owned.task]) expect(text).not.toContain(id)
    },
  )

  const recipe = 'resize:20'
  const streams: readonly (readonly [string, CallDeclaration, () => MessageJson])[] = [
    ['create a task with her image', calls.createTask, () => ({ image: owned.image, recipe })],
    ['process her image', calls.processTask, () => ({ image: owned.image, recipe })],
    ['download her image', calls.download, () => ({ image: owned.image })],
    ['download her output', calls.download, () => ({ output: { task: owned.task, name: 'default' } })],
    ['tune her image', calls.tune, () => ({ open: { image: owned.image, recipe } })],
  ]
  test.each(streams)('%s', async (_, { rpc }, input) => {
    if (rpc === undefined) throw new Error('The call has no method.')
    const request = create(rpc.input, toMessage(rpc.input, input()))
    expect((await failure(callOverGrpc(rpc, request))).code).toBe(status.NOT_FOUND)
  })

  test('create a task with her image over REST', async () => {
    const body = JSON.stringify({ image: owned.image, recipe })
    expect((await callAs(owned.gateway, 'bob', 'POST', '/api/v1/tasks', body)).status).toBe(404)
  })

  test('while she does', async () => {
    const response = await callAs(owned.gateway, 'ann', 'GET', '/api/v1/tasks')
    expect(((await response.json()) as TaskPageView).items.map(({ id }) => id)).toEqual([owned.task])
  })
})

test('what the other account tried has changed nothing', async () => {
  const { gateway, image, task } = owned
  expect((await callAs(gateway, 'ann', 'GET', `/api/v1/images/${image}`)).status).toBe(200)
  const found = (await (await callAs(gateway, 'ann', 'GET', `/api/v1/tasks/${task}`)).json()) as TaskView
  expect(found.status).toBe('queued')
})

/** One request as bob; on the wire, all kinds of call are a sequence of messages. */
async function callOverGrpc(method: NonNullable<CallDeclaration['rpc']>, request: Message): Promise<void> {
  using client = grpcClient(owned.gateway.grpcAddress)
  const metadata = new Metadata()
  metadata.set('authorization', 'Bearer secret-of-bob')
  const call = client.client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (message: Message) => Buffer.from(toBinary(method.input, message)),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    metadata,
  )
  call.write(request)
  call.end()
  for await (const _ of call);
}
