import { describe, expect, test } from 'bun:test'
import { getOption, hasOption, type DescMethod } from '@bufbuild/protobuf'
import { createTaskBody } from '@pixelflow/core/create-task-body'
import { actorsView, actorView, imageView, outputView, taskPageView, taskView } from '@pixelflow/core/views'
import { http } from '@pixelflow/proto/google/api/annotations_pb'
import {
  ActorSchema,
  CreateTaskRequestSchema,
  ImageSchema,
  ImageService,
  ListActorsResponseSchema,
  ListTasksResponseSchema,
  OutputSchema,
  TaskSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openapiDocument } from '../rest/openapi/openapi-document.ts'

/**
 * The `google.api.http` annotations of the proto must match the REST API. Another test compares the OpenAPI document with the
 * served routes, so this one compares the annotations with the document.
 */

/** Routes without an annotation, and why. */
const restOnly: Readonly<Record<string, string>> = {
  'POST /api/v1/images': 'raw bytes or multipart; Upload streams messages',
  'GET /api/v1/images/{id}/content': 'raw bytes with ranges and conditions; Download streams messages',
  'HEAD /api/v1/images/{id}/content': 'HEAD exists only in HTTP',
  'GET /api/v1/tasks/{id}/outputs/{name}': 'raw bytes with ranges and conditions; Download streams messages',
  'HEAD /api/v1/tasks/{id}/outputs/{name}': 'HEAD exists only in HTTP',
  'GET /api/v1/tasks/{id}/events': 'server-sent events; WatchTask streams messages',
  'POST /api/v1/process': 'raw bytes or multipart in, raw bytes out; ProcessImage streams messages',
  'GET /api/v1/tune': 'a WebSocket; Tune streams messages',
  'GET /api/v1/admin/dead': 'for operators only',
  'GET /api/v1/admin/dead/{id}': 'for operators only',
  'DELETE /api/v1/admin/dead/{id}': 'for operators only',
  'POST /api/v1/admin/dead/{id}/replay': 'for operators only',
  'GET /api/v1/openapi.json': 'describes REST; reflection describes the contract',
}

/** Methods without a route, and why. */
const grpcOnly: Readonly<Record<string, string>> = {
  Upload: 'a stream from the client',
  Process: 'a stream of events and bytes in one',
  WatchTask: 'REST has server-sent events',
  Download: 'REST has raw bytes',
  ProcessImage: 'streams messages; REST has POST /api/v1/process',
  ProcessImageUnary: 'the same in one message; REST has POST /api/v1/process',
  Tune: 'streams in both directions; browsers have a WebSocket',
}

interface Operation {
  readonly parameters?: readonly { name: string; in: string }[]
  readonly requestBody?: { content: Record<string, unknown> }
}

type Item = Readonly<Record<string, Operation>> & Pick<Operation, 'parameters'>

const paths = openapiDocument()['paths'] as Record<string, Item>
const httpMethods = ['get', 'head', 'post', 'put', 'patch', 'delete']
const annotated = ImageService.methods.filter((method) => hasOption(method, http))

function ruleOf(method: DescMethod) {
  const { pattern, body, responseBody } = getOption(method, http)
  if (pattern.case === undefined || pattern.case === 'custom')
    throw new Error(`${method.name}: no HTTP method`)
  const inPath = [...pattern.value.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  return { httpMethod: pattern.case, path: pattern.value, body, responseBody, inPath }
}

test('every annotated method is a route, and every other method is listed', () => {
  const missing = annotated.filter((method) => {
    const { httpMethod, path } = ruleOf(method)
    return paths[path]?.[httpMethod] === undefined
  })
  expect(missing.map((one) => one.name)).toEqual([])
  const rest = ImageService.methods.filter((method) => !annotated.includes(method))
  expect(rest.map((one) => one.name).sort()).toEqual(Object.keys(grpcOnly).sort())
})

test('every route is annotated or listed', () => {
  const rules = new Set(
    annotated.map(ruleOf).map(({ httpMethod, path }) => `${httpMethod.toUpperCase()} ${path}`),
  )
  const left = Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, item]) =>
      httpMethods
        .filter((httpMethod) => httpMethod in item)
        .map((httpMethod) => `${httpMethod.toUpperCase()} ${path}`),
    )
    .filter((route) => !rules.has(route))
  expect(left.sort()).toEqual(Object.keys(restOnly).sort())
})

describe('parameters have the same names in the proto and in REST', () => {
  test.each(annotated.map((method) => [method.name, method] as const))('%s', (_, method) => {
    const { httpMethod, path, body, responseBody, inPath } = ruleOf(method)
    const fields = method.input.fields.map((field) => field.jsonName)
    const { parameters = [], requestBody } = paths[path]?.[httpMethod] ?? {}
    const all = [...(paths[path]?.parameters ?? []), ...parameters]
    const names = (where: string) => all.filter((one) => one.in === where).map((one) => one.name)
    expect(names('path')).toEqual(inPath)
    const others = fields.filter((name) => !inPath.includes(name))
    expect(names('query').sort()).toEqual(body === '' ? others.sort() : [])
    expect(requestBody !== undefined).toBe(body !== '')
    if (body !== '') expect(body).toBe('*')
    if (responseBody !== '') expect(method.output.fields.map((field) => field.name)).toContain(responseBody)
  })
})

test.each([
  [ImageSchema, imageView],
  [TaskSchema, taskView],
  [OutputSchema, outputView],
  [ListTasksResponseSchema, taskPageView],
  [CreateTaskRequestSchema, createTaskBody],
  [ActorSchema, actorView],
  [ListActorsResponseSchema, actorsView],
])('$typeName has the fields of its JSON', (message, body) => {
  expect(message.fields.map((field) => field.jsonName).sort()).toEqual(Object.keys(body.shape).sort())
})
