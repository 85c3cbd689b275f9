import { describe, expect, test } from 'bun:test'
import { getOption, hasOption, type DescMethod } from '@bufbuild/protobuf'
import { toJsonSchema } from '@pixelflow/core/validation/json-schema'
import { http } from '@pixelflow/proto/google/api/annotations_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { inputFieldsOf } from '../transports/rest/input-reader.ts'
import * as calls from './calls.gen.ts'
import type { CallDeclaration, UnaryCall } from './declare-call.ts'

/** The declarations, the methods of the proto and their `google.api.http` annotations describe the same calls. */

/** Why a call with a method and a route has no annotation: it can describe JSON only. */
const withoutAnnotation: Readonly<Record<string, string>> = {
  uploadImage: 'REST takes raw bytes or a form',
  watchTask: 'REST has server-sent events',
  processImage: 'REST takes and returns raw bytes',
  tune: 'REST has a WebSocket',
}

/** Why a call has a route and no method. */
const restOnly: Readonly<Record<string, string>> = {
  getImageContent: 'raw bytes with ranges and conditions; gRPC has Download',
  getOutput: 'raw bytes with ranges and conditions; gRPC has Download',
  listDeadLetters: 'for operators only',
  getDeadLetter: 'for operators only',
  deleteDeadLetter: 'for operators only',
  replayDeadLetter: 'for operators only',
  getOpenApi: 'describes REST; reflection describes the contract',
  getMetrics: 'Prometheus reads HTTP',
  getHealth: 'gRPC has its own health service',
  getLiveness: 'gRPC has its own health service',
  getReadiness: 'gRPC has its own health service',
}

const all = Object.values(calls) as CallDeclaration[]
const withMethod = all.filter(({ rpc }) => rpc !== undefined)
const annotated = withMethod.filter(({ rpc }) => hasOption(rpc as DescMethod, http))

test('every call is declared under its own name', () => {
  for (const [name, call] of Object.entries(calls)) expect<string>(call.name).toBe(name)
})

test('every method of the service is declared once', () => {
  const declared = withMethod.map(({ rpc }) => rpc?.name ?? '')
  expect(declared.sort()).toEqual(ImageService.methods.map(({ name }) => name).sort())
})

test('every call with a method and a route is annotated, or has a reason', () => {
  const plain = withMethod.filter((call) => call.http && !annotated.includes(call))
  expect(plain.map(({ name }) => name).sort()).toEqual(Object.keys(withoutAnnotation).sort())
})

test('every call without a method has a reason', () => {
  const plain = all.filter(({ rpc }) => rpc === undefined)
  expect(plain.map(({ name }) => name).sort()).toEqual(Object.keys(restOnly).sort())
})

test('a kind of idempotency key belongs to one call, besides forms', () => {
  const kinds = all.flatMap(({ creates }) => (creates ? [creates.keyKind] : []))
  expect(new Set(kinds).size).toBe(kinds.length)
})

test('every call that creates a task can answer that there are too many', () => {
  const creating = all.filter(({ creates }) => creates?.resource === 'task')
  expect(creating.length).toBeGreaterThan(2)
  for (const { name, faults = [] } of creating)
    expect([name, ...faults]).toEqual(expect.arrayContaining(['too_many_tasks', 'queue_full']))
})

test('every output has an example that its schema accepts', () => {
  for (const call of all) {
    if (call.kind !== 'unary' || call.output === null) continue
    expect([call.name, call.output.safeParse(call.response.example).error?.issues]).toEqual([
      call.name,
      undefined,
    ])
  }
})

/** Calls that change something: over REST they are not GET. */
const changing = all.filter(({ http }) => http !== undefined && http.method !== 'GET')

describe('a call that changes something', () => {
  test.each(changing.map((call) => [call.name, call] as const))(
    '%s needs a scope that permits it',
    (_, { access }) => {
      expect(access).toMatch(/^(admin|[a-z]+:write)$/)
    },
  )

  test('is audited if it deletes, or if an operator makes it', () => {
    const audited = changing.filter(({ http, access }) => http?.method === 'DELETE' || access === 'admin')
    expect(audited.length).toBeGreaterThan(3)
    for (const call of audited) expect([call.name, 'isAudited' in call]).toEqual([call.name, true])
  })

  test('has a write position if it creates a task', () => {
    for (const { name, creates, writes } of all)
      if (creates?.resource === 'task') expect([name, writes]).toEqual([name, true])
  })

  test('answers with the path of what it creates', () => {
    for (const call of all) {
      if (call.kind !== 'unary' || !call.creates) continue
      expect([call.name, call.response.status, typeof call.response.location]).toEqual([
        call.name,
        expect.any(Number),
        'function',
      ])
    }
  })
})

describe('the annotation agrees with the declaration', () => {
  test.each(annotated.map((call) => [call.name, call] as const))('%s', (_, call) => {
    const method = call.rpc as DescMethod
    const { pattern, body, responseBody } = getOption(method, http)
    expect({ method: pattern.case?.toUpperCase(), path: pattern.value }).toEqual({
      method: call.http?.method,
      path: call.http?.path,
    })
    expect(body).toBe(call.http?.body === undefined ? '' : '*')
    if (responseBody !== '') expect(method.output.fields.map(({ name }) => name)).toContain(responseBody)
    const { path, query, body: inBody } = inputFieldsOf(call)
    const fields = [...path, ...Object.keys(query), ...inBody]
    expect(fields.sort()).toEqual(method.input.fields.map(({ jsonName }) => jsonName).sort())
  })
})

describe('the input of a unary call has the fields of its message', () => {
  const unary = withMethod.filter((call): call is UnaryCall => call.kind === 'unary')
  test.each(unary.map((call) => [call.name, call] as const))('%s', (_, { input, rpc }) => {
    const names = Object.keys(toJsonSchema(input).properties ?? {})
    expect(names.sort()).toEqual(rpc?.input.fields.map(({ jsonName }) => jsonName).sort() ?? [])
  })
})
