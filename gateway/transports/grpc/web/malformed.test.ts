import { expect, test } from 'bun:test'
import { parsePrometheus } from '@pixelflow/testkit/prometheus'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { envelope } from '../../../testing/envelope.ts'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { readLoad } from '../../../testing/read-load.ts'

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

const invalidMessage = new Uint8Array([0xff, 0xff, 0xff])
const enveloped = (...it: Parameters<typeof envelope>) => new Uint8Array(envelope(...it))
const bodies = {
  nothing: new Uint8Array(),
  'no message': invalidMessage,
  'an invalid message': enveloped(invalidMessage),
  'a message with a length of 4 GB': enveloped(new Uint8Array(100), 0, 2 ** 32 - 1),
  'half a message': enveloped(new Uint8Array(50), 0, 100),
  'a compressed message without an encoding': enveloped(invalidMessage, 1),
  'an unknown flag': enveloped(new Uint8Array(), 0x55),
  'an invalid end of stream': enveloped(invalidMessage, 2),
} as const
const types = [
  'application/proto',
  'application/json',
  'application/connect+proto',
  'application/connect+json',
  'application/grpc-web+proto',
  'application/grpc-web-text',
]

test.each(Object.keys(bodies) as (keyof typeof bodies)[])(
  '%s: over each protocol',
  async (name) => {
    const responses = types.flatMap((type) =>
      ['GetTask', 'WatchTask', 'Upload', 'ProcessImage'].map(async (method) => {
        const response = await gateway.call(`/pixelflow.v1.ImageService/${method}`, {
          method: 'POST',
          body: bodies[name],
          headers: { 'content-type': type, 'connect-timeout-ms': '5000', 'grpc-timeout': '5S' },
        })
        await response.bytes()
        return { type, status: response.status }
      }),
    )
    for (const { type, status } of await Promise.all(responses)) {
      expect({ type, isKnown: [200, 400, 404, 415, 429, 501].includes(status) }).toEqual({
        type,
        isKnown: true,
      })
    }
    const countCalls = async () => {
      const reading = parsePrometheus(await (await gateway.call('/metrics')).text())
      return {
        started: reading.value('grpc_server_started_total'),
        handled: reading.value('grpc_server_handled_total'),
      }
    }
    await waitFor('all calls ended', countCalls, ({ started, handled }) => started === handled)
    expect((await readLoad(gateway)).calls).toBe(0)
  },
  30_000,
)

test('a message that is too large gets a fault with ErrorInfo', async () => {
  const response = await gateway.call('/pixelflow.v1.ImageService/ProcessImageUnary', {
    method: 'POST',
    body: JSON.stringify({ recipe: 'flip', image: 'A'.repeat(5 * 2 ** 20) }),
    headers: { 'content-type': 'application/json' },
  })
  const problem = (await response.json()) as { code: string; message: string; details: { type: string }[] }
  expect(problem).toMatchObject({
    code: 'resource_exhausted',
    message: expect.stringContaining('must be at most 4194304 bytes'),
  })
  expect(problem.details.map(({ type }) => type)).toContain('google.rpc.ErrorInfo')
})
