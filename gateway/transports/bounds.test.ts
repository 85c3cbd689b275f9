import { expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { jsonBounds } from '@pixelflow/core/json-bounds'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { grpcClient } from '../testing/grpc-client.ts'
import { openTuneSocket } from '../testing/tune-socket.ts'

/** JSON with too many keys, levels or values is refused in the same way over every protocol. */

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

const image = '01890a5d-ac96-774b-bcce-b302099a8057'
const keysOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, true]))
const nested = (levels: number): JsonValue => (levels === 0 ? 1 : [nested(levels - 1)])
const recipes: Record<string, [JsonValue, RegExp]> = {
  keys: [{ steps: [], ...keysOf(jsonBounds.keys) }, /more than 256 keys/],
  levels: [{ steps: nested(jsonBounds.depth) }, /more than (16|56) levels/],
  values: [
    { steps: Array.from({ length: 2 * jsonBounds.values }, () => 1) },
    /more than (16384 values|65536 fields)/,
  ],
}

async function refusalsOf(recipe: JsonValue): Promise<Record<string, string>> {
  const form = new FormData()
  form.append('recipe', JSON.stringify(recipe))
  const rest = async (init: BunFetchRequestInit) =>
    (await gateway.refusal(gateway.call('/api/v1/tasks', { method: 'POST', ...init }))).detail
  using native = grpcClient(gateway.grpcAddress)
  const value = fromJson(ValueSchema, recipe)
  const { createTask } = ImageService.method
  const web = (useBinaryFormat: boolean) =>
    createClient(ImageService, createConnectTransport({ baseUrl: gateway.url, useBinaryFormat }))
  const detailOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'accepted',
      (thrown: { code: number; message: string }) => `${thrown.code} ${thrown.message}`,
    )
  const session = openTuneSocket(gateway.url)
  await session.send({ type: 'open', image, recipe: recipe as never })
  const failed = await session.receive('failed')
  return {
    json: await rest({
      body: JSON.stringify({ image, recipe }),
      headers: { 'content-type': 'application/json' },
    }),
    form: await rest({ body: form }),
    native: await detailOf(native.unary(createTask, { image, recipe: value })),
    binary: await detailOf(web(true).createTask({ image, recipe: value })),
    'JSON of Connect': await detailOf(web(false).createTask({ image, recipe: value })),
    socket: failed.fault.detail,
  }
}

test.each(Object.keys(recipes))(
  'too many %s',
  async (name) => {
    const [recipe, problem] = recipes[name] ?? [null, /nothing/]
    const refusals = await refusalsOf(recipe)
    for (const [protocol, detail] of Object.entries(refusals)) {
      // A WebSocket message cannot be long enough for this many values.
      const wanted = protocol === 'socket' && name === 'values' ? /longer than|more than/ : problem
      expect([protocol, detail]).toEqual([protocol, expect.stringMatching(wanted)])
    }
    for (const protocol of ['native', 'binary', 'JSON of Connect'])
      expect(refusals[protocol]).toStartWith('3 ')
  },
  30_000,
)
