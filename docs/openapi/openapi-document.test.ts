import { describe, expect, test } from 'bun:test'
import { eventKinds } from '@pixelflow/core/event'
import { openIdleHttpApp } from '@pixelflow/gateway/testing/open-idle-http-app'
import * as calls from '@pixelflow/gateway/calls/calls.gen'
import type { CallDeclaration } from '@pixelflow/gateway/calls/declare-call'
import { openapiDocument } from './openapi-document.ts'

type Json = Record<string, unknown>
const document = openapiDocument()
const openapiPaths = document['paths'] as Record<string, Json>
const httpMethods = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** The routes of the app; none is called. */
function routes(): string[] {
  const app = openIdleHttpApp()
  return app.routes.map(
    ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')}`,
  )
}

function documented(): string[] {
  return Object.entries(openapiPaths).flatMap(([path, item]) =>
    httpMethods
      .filter((httpMethod) => httpMethod in item)
      .map((httpMethod) => `${httpMethod.toUpperCase()} ${path}`),
  )
}

describe('the OpenAPI document', () => {
  test('documents every route of the API, and no other', () => {
    const htmlPages = /^GET (\/|\/assets\/\{name\}|\/docs|\/docs\/problems|\/docs\/assets\/\{name\})$/
    expect(documented().sort()).toEqual(
      routes()
        .filter((route) => !htmlPages.test(route))
        .sort(),
    )
  })

  test('has no dangling references', () => {
    const text = JSON.stringify(document)
    const schemas = (document['components'] as { schemas: Json }).schemas
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((found) => found[1] ?? '')
    expect(refs.length).toBeGreaterThan(20)
    for (const ref of new Set(refs)) {
      if (ref.startsWith('#/components/schemas/')) expect(Object.keys(schemas)).toContain(ref.slice(21))
      else expect(ref).toBe('a component schema')
    }
  })

  test('lists too_many_tasks and queue_full for every call that creates a task', () => {
    const creating = Object.entries(openapiPaths).flatMap(([path, item]) => {
      const { responses = {} } = (item['post'] ?? {}) as { responses?: Json }
      return '202' in responses ? [[path, JSON.stringify(responses)] as const] : []
    })
    expect(creating.map(([path]) => path)).toContain('/api/v1/process')
    for (const [path, text] of creating) {
      for (const code of ['too_many_tasks', 'queue_full'])
        expect([path, text]).toEqual([path, expect.stringContaining(code)])
    }
  })

  test('lists Retry-After for the statuses that can have it', () => {
    const hasRetryAfter = (path: string, status: string) =>
      JSON.stringify(((openapiPaths[path]?.['post'] as Json)['responses'] as Json)[status]).includes(
        'Retry-After',
      )
    const statuses = ['400', '409', '422', '429', '500', '503']
    expect(statuses.filter((one) => hasRetryAfter('/api/v1/tasks', one))).toEqual(['409', '429', '503'])
  })

  test('lists path parameters, problem responses and a unique operation id for every call', () => {
    const operationIds: unknown[] = []
    for (const [path, item] of Object.entries(openapiPaths)) {
      for (const httpMethod of httpMethods.filter((one) => one in item)) {
        const call = item[httpMethod] as Json
        operationIds.push(call['operationId'])
        const parameters = [
          ...((item['parameters'] as Json[]) ?? []),
          ...((call['parameters'] as Json[]) ?? []),
        ]
        const inPath = parameters.filter((one) => one['in'] === 'path').map((one) => one['name'])
        expect([path, inPath]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1])])
        const statuses = Object.keys(call['responses'] as Json)
        if (path.startsWith('/api/'))
          for (const status of ['401', '403', '503', '500']) expect(statuses).toContain(status)
        expect(call['summary']).toBeString()
      }
    }
    expect(new Set(operationIds).size).toBe(operationIds.length)
  })

  test('names operations after their method', () => {
    const pattern: Readonly<Record<string, RegExp>> = {
      get: /^(get|list)[A-Z]/,
      head: /^head[A-Z]/,
      delete: /^delete[A-Z]/,
    }
    const others = Object.values(openapiPaths).flatMap((item) =>
      Object.entries(pattern).flatMap(([httpMethod, form]) => {
        const call = item[httpMethod] as Json | undefined
        return call === undefined || form.test(String(call['operationId'])) ? [] : [call['operationId']]
      }),
    )
    // A stream of events and a WebSocket are more than one GET. Other reads are named get… or list….
    expect(new Set(others)).toEqual(new Set(['tune', 'watchTask']))
  })

  test('lists the status 400 for every call', () => {
    const described = Object.entries(openapiPaths).flatMap(([path, item]) =>
      httpMethods
        .filter((httpMethod) => httpMethod in item)
        .map((httpMethod) => ({
          call: `${httpMethod} ${path}`,
          responses: (item[httpMethod] as Json)['responses'] as Json,
        })),
    )
    expect(described.length).toBeGreaterThan(20)
    expect(described.filter(({ responses }) => !('400' in responses)).map(({ call }) => call)).toEqual([])
  })

  test('describes each server-sent event as an object of its fields', () => {
    const watching = (openapiPaths['/api/v1/tasks/{id}/events']?.['get'] as Json)['responses'] as Json
    const { content } = watching['200'] as { content: Record<string, Json> }
    expect(content['text/event-stream']?.['schema']).toEqual({ $ref: '#/components/schemas/ServerSentEvent' })
    const { schemas } = document['components'] as { schemas: Record<string, Json> }
    const parts = ['TaskServerSentEvent', 'Heartbeat'].map((name) => ({
      $ref: `#/components/schemas/${name}`,
    }))
    expect(schemas['ServerSentEvent']?.['oneOf']).toEqual(parts)
    const text = JSON.stringify([schemas['TaskServerSentEvent'], schemas['Heartbeat']])
    for (const kind of [...eventKinds, 'heartbeat']) expect(text).toContain(`"${kind}"`)
    expect(text).toContain('"contentSchema":{"$ref":"#/components/schemas/Event"}')
  })

  test('gives defaults only to parameters that every call accepts', () => {
    const { parameters } = openapiPaths['/api/v1/process']?.['post'] as { parameters: Json[] }
    const lane = parameters.find(({ name }) => name === 'lane')
    expect(lane?.['schema']).toEqual({ $ref: '#/components/schemas/Lane' })
  })

  test('describes the JSON body of every call that has one', () => {
    const withBody = (Object.values(calls) as CallDeclaration[]).filter(({ http }) => http?.body === 'json')
    expect(withBody.length).toBeGreaterThan(0)
    for (const { name, http } of withBody) {
      const { requestBody } = openapiPaths[http?.path ?? '']?.[http?.method.toLowerCase() ?? ''] as Json
      expect([name, JSON.stringify(requestBody)]).toEqual([name, expect.stringContaining('application/json')])
    }
  })

  test('is deterministic', () => {
    expect(JSON.stringify(openapiDocument())).toBe(JSON.stringify(document))
  })
})
