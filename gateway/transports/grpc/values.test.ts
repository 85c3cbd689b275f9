import { describe, expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { create, fromBinary, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf'
import type { ValueSchema } from '@bufbuild/protobuf/wkt'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { envelope } from '../../testing/envelope.ts'
import { callConnect, protocolCalls, protocolNames, type CallResult } from '../../testing/protocol-calls.ts'

const calls = ImageService.method
const invalidArgument = 3
let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

type Value = MessageInitShape<typeof ValueSchema>
const number = (value: number): Value => ({ kind: { case: 'numberValue', value } })
const text = (value: string): Value => ({ kind: { case: 'stringValue', value } })
const struct = (fields: Record<string, Value>): Value => ({
  kind: { case: 'structValue', value: { fields } },
})
const list = (...values: Value[]): Value => ({ kind: { case: 'listValue', value: { values } } })
const withoutKind: Value = {}
const blur = (sigma: Value) => struct({ steps: list(struct({ op: text('blur'), sigma })) })

interface Row {
  readonly what: string
  readonly method: DescMethod
  readonly messages: readonly Record<string, unknown>[]
  readonly field: string | undefined
  /** Whether JSON cannot represent the value, so that only binary protocols send it. */
  readonly isBinary: boolean
}

function row(
  what: string,
  method: DescMethod,
  field: string | undefined,
  ...messages: readonly Record<string, unknown>[]
): Row {
  return { what, method, messages, field, isBinary: /NaN|infinite|no kind/.test(what) }
}
const image = '01890a5d-ac96-774b-bcce-b302099a8057'
const recipe = text('blur')
const sigma = 'steps[0].sigma'
const least = -(2n ** 63n)
const most = 2n ** 63n - 1n
const upload = (bytes: bigint) => ({
  data: { case: 'metadata' as const, value: { mediaType: 'image/jpeg', bytes } },
})
const process = (bytes: bigint) => ({
  data: { case: 'metadata' as const, value: { mediaType: 'image/jpeg', bytes, recipe } },
})
const commit = (bytes: bigint) => ({
  data: { case: 'commit' as const, value: { bytes, sha256: 'a'.repeat(64) } },
})
const source = { case: 'image' as const, value: image }

const rows: readonly Row[] = [
  ...[calls.createTask, calls.process].flatMap((method) => [
    row('a recipe with NaN', method, sigma, { image, recipe: blur(number(Number.NaN)) }),
    row('a recipe with an infinite number', method, sigma, { image, recipe: blur(number(Infinity)) }),
    row('a recipe with a value of no kind', method, sigma, { image, recipe: blur(withoutKind) }),
    row('a recipe with a step of no kind', method, 'steps[0]', {
      image,
      recipe: struct({ steps: list(withoutKind) }),
    }),
    row('a recipe with a number out of range', method, sigma, { image, recipe: blur(number(1e300)) }),
    row('a recipe of no kind', method, 'recipe', { image, recipe: withoutKind }),
    row('no recipe', method, 'recipe', { image }),
    row('an unknown lane', method, 'lane', { image, recipe, lane: 17 }),
    row('a negative lane', method, 'lane', { image, recipe, lane: -1 }),
  ]),
  row('a recipe with NaN', calls.processImageUnary, sigma, { recipe: blur(number(Number.NaN)) }),
  row('a recipe of no kind', calls.processImageUnary, 'recipe', { recipe: withoutKind }),
  ...[-1, 201, 2 ** 31 - 1, -(2 ** 31)].map((limit) =>
    row(`the limit ${limit}`, calls.listTasks, 'limit', { limit }),
  ),
  ...[-1, 99, 2 ** 31 - 1].map((status) =>
    row(`the status ${status}`, calls.listTasks, 'status', { status }),
  ),
  row('an invalid cursor', calls.listTasks, 'cursor', { cursor: 'invalid' }),
  row('an invalid token', calls.watchTask, 'after', { id: image, after: '!' }),
  ...[-1n, least].map((offset) => row(`the offset ${offset}`, calls.download, 'offset', { source, offset })),
  ...[0n, -1n, least].map((length) =>
    row(`the length ${length}`, calls.download, 'length', { source, length }),
  ),
  row('no source', calls.download, 'source', {}),
  row('no image', calls.download, 'image', { source: { case: 'image', value: '' } }),
  row('no task', calls.download, 'output.task', { source: { case: 'output', value: { name: 'default' } } }),
  ...[calls.createTask, calls.process].map((method) => row('no image', method, 'image', { recipe })),
  ...[
    calls.getImage,
    calls.deleteImage,
    calls.getTask,
    calls.watchTask,
    calls.cancelTask,
    calls.retryTask,
    calls.deleteTask,
  ].map((method) => row('no id', method, 'id', {})),
  ...[-1n, least].map((bytes) =>
    row(`an upload of ${bytes} bytes`, calls.upload, 'metadata.bytes', upload(bytes)),
  ),
  row('an upload of fewer bytes than declared', calls.upload, 'metadata.bytes', upload(10n), commit(0n)),
  ...[-1n, least].map((bytes) =>
    row(`a commit of ${bytes} bytes`, calls.upload, 'commit.bytes', upload(0n), commit(bytes)),
  ),
  ...[-1n, least].map((bytes) =>
    row(`an image of ${bytes} bytes`, calls.processImage, 'metadata.bytes', process(bytes)),
  ),
]

test.each(rows)(
  '$method.name: $what is refused alike over every protocol',
  async ({ method, messages, ...row }) => {
    const requests = messages.map((one) => create(method.input, one))
    const names = protocolNames.filter((name) => !(row.isBinary && name.includes('JSON')))
    const results = names.map(async (name): Promise<[string, CallResult]> => [
      name,
      await protocolCalls[name](gateway, method, requests),
    ])
    for (const [protocol, { code, reason, field, message, remedy }] of await Promise.all(results)) {
      expect({ protocol, code, field }).toEqual({ protocol, code: invalidArgument, field: row.field })
      expect(['INVALID_RECIPE', 'INVALID_REQUEST']).toContain(reason ?? '')
      if (row.what.startsWith('a recipe')) expect(reason).toBe('INVALID_RECIPE')
      expect(message).not.toContain('undefined')
      expect(remedy).toBeString()
    }
  },
)

test('a declared size above the limit is too large, whatever follows', async () => {
  for (const name of protocolNames) {
    const outcome = await protocolCalls[name](gateway, calls.upload, [
      create(calls.upload.input, upload(most)),
    ])
    expect([name, outcome.code, outcome.reason]).toEqual([name, 8, 'IMAGE_TOO_LARGE'])
  }
})

describe('Connect refuses invalid JSON with the faults of the service', () => {
  test.each([
    ['an unknown field', calls.listTasks, '{"page_size": 5}'],
    ['a misspelt field of a nested message', calls.download, '{"output": {"taks": "x"}}'],
    ['a lane by its REST name', calls.createTask, '{"image": "x", "recipe": "blur", "lane": "bulk"}'],
    ['an unknown status', calls.listTasks, '{"status": "NOPE"}'],
    ['a number beyond its type', calls.listTasks, '{"limit": 99999999999}'],
    ['a fraction', calls.listTasks, '{"limit": 1.5}'],
    ['a NaN', calls.listTasks, '{"limit": "NaN"}'],
    ['a number beyond 64 bits', calls.download, '{"image": "x", "offset": "99999999999999999999"}'],
    ['text instead of a message', calls.download, '{"output": "x"}'],
    ['two sources', calls.download, '{"image": "x", "output": {}}'],
    ['a list', calls.listTasks, '[]'],
    ['incomplete JSON', calls.listTasks, '{"limit":'],
  ])('%s', async (_, method, json) => {
    const isUnary = method.methodKind === 'unary'
    const result = isUnary
      ? await callConnect(gateway, method, 'application/json', json)
      : await callConnect(gateway, method, 'application/connect+json', envelope(Buffer.from(json)))
    expect(result).toMatchObject({
      code: invalidArgument,
      reason: 'INVALID_REQUEST',
      remedy: expect.any(String),
    })
  })

  test.each([
    ['an infinite number', 'steps[0].sigma', '{"steps": [{"op": "blur", "sigma": 1e999}]}'],
    ['a key that schemas ignore', '__proto__', '{"steps": [], "__proto__": 1}'],
    ['such a key in a step', 'steps[0].__proto__', '{"steps": [{"op": "blur", "__proto__": {}}]}'],
  ])('%s in a recipe', async (_, field, recipe) => {
    const json = `{"image": "x", "recipe": ${recipe}}`
    expect(await callConnect(gateway, calls.createTask, 'application/json', json)).toMatchObject({
      code: invalidArgument,
      reason: 'INVALID_RECIPE',
      field,
    })
  })
})

test.each([calls.getTask, calls.watchTask, calls.upload, calls.processImage] as const)(
  '$name: an undecodable message over Connect gets INVALID_ARGUMENT',
  async (method) => {
    const bytes = new Uint8Array([0xff, 0xff, 0xff])
    const result =
      method.methodKind === 'unary'
        ? await callConnect(gateway, method, 'application/proto', bytes)
        : await callConnect(gateway, method, 'application/connect+proto', envelope(bytes))
    expect(result).toMatchObject({
      code: invalidArgument,
      reason: 'INVALID_REQUEST',
      remedy: expect.any(String),
    })
  },
)

describe('Tune faults name the proto field', () => {
  const opening = (preview: object) => ({
    data: { case: 'open' as const, value: { image, recipe, preview } },
  })
  const changing = (sequence: bigint) => ({ data: { case: 'change' as const, value: { sequence, recipe } } })
  test.each([
    ['open.preview.max_pixels', opening({ maxPixels: 1 }), 'from 4096 to 4194304, got 1.'],
    ['open.preview.max_pixels', opening({ maxPixels: -(2 ** 31) }), 'got -2147483648.'],
    ['open.preview.quality', opening({ quality: 101 }), 'from 1 to 100, got 101.'],
    ['open.preview.format', opening({ format: 'avif' }), 'one of jpeg, webp, got "avif".'],
    ['change.sequence', changing(0n), 'got 0.'],
    ['change.sequence', changing(least), 'got -9223372036854775808.'],
    ['change.sequence', changing(most), 'got 9223372036854775807.'],
    ['apply.sequence', { data: { case: 'apply' as const, value: { sequence: -1n } } }, 'got -1.'],
    ['data', {}, 'The message has none of open, change and apply.'],
  ])('%s', async (field, message, messageEnd) => {
    const result = await protocolCalls.gRPC(gateway, calls.tune, [create(calls.tune.input, message)])
    expect(result).toMatchObject({ code: invalidArgument, reason: 'INVALID_REQUEST', field })
    expect(result.message).toEndWith(messageEnd)
    expect(result.remedy).toBeString()
  })
})

describe('a field that the proto does not have is refused', () => {
  // Field 99 with the number 1, and the same inside field 1.
  const unknown = new Uint8Array([0x98, 0x06, 0x01])
  const nested = new Uint8Array([0x0a, unknown.length, ...unknown])
  test.each([
    [calls.getTask, unknown, undefined],
    [calls.watchTask, unknown, undefined],
    [calls.upload, unknown, undefined],
    [calls.upload, nested, 'metadata'],
    [calls.tune, nested, 'open'],
  ] as const)('by $name', async (method, bytes, field) => {
    const message = fromBinary(method.input, bytes)
    for (const name of ['gRPC', 'gRPC-Web'] as const) {
      if (method === calls.tune && name !== 'gRPC') continue
      const result = await protocolCalls[name](gateway, method, [message])
      expect(result).toMatchObject({ code: invalidArgument, reason: 'INVALID_REQUEST', field })
      expect(result.message).toEndWith('has an unknown field with the number 99.')
    }
  })
})
