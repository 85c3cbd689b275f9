import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Code, ConnectError } from '@connectrpc/connect'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { parsePrometheus } from '@pixelflow/testkit/prometheus'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { freezeProcess } from '@pixelflow/testkit/freeze-process'
import { readAllPages } from '../../testing/read-all-pages.ts'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { failure, grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'
import { webClient, webProtocols, type WebProtocol } from '../../testing/web-client.ts'

const calls = ImageService.method
const MiB = 2 ** 20
let gateway: TestGateway
let native: GrpcClient
beforeAll(async () => {
  gateway = await openTestGateway()
  native = grpcClient(gateway.grpcAddress)
}, 60_000)
afterAll(async () => {
  native?.[Symbol.dispose]()
  await gateway?.[Symbol.asyncDispose]()
})

type Protocol = 'gRPC' | WebProtocol

/** The status code of a failed call as a number; both libraries use the same numbers. */
const codeOf = (protocol: Protocol, call: Promise<unknown>): Promise<number> =>
  protocol === 'gRPC'
    ? failure(call).then(({ code }) => code)
    : call.then(
        () => 0,
        (thrown: unknown) => ConnectError.from(thrown).code,
      )

describe.each<Protocol>(['gRPC', ...webProtocols])('over %s', (protocol) => {
  test('a call ends at its deadline for the client and in the metrics', async () => {
    const handled = async () =>
      parsePrometheus(await (await gateway.call('/metrics')).text()).value('grpc_server_handled_total', {
        grpc_method: 'GetTask',
        grpc_code: 'DeadlineExceeded',
      })
    const { id: image } = await gateway.image(await sampleImage({ width: 9, height: 9 }))
    const { id } = await gateway.submit(image)
    // Connecting would use part of the deadline.
    await native.unary(calls.getVersion, {})
    const before = await handled()
    const lines = gateway.logs.length
    await freezeProcess(gateway.nats.pid)
    const began = performance.now()
    try {
      const call =
        protocol === 'gRPC'
          ? native.unary(calls.getTask, { id }, { deadlineMs: 400 })
          : webClient(ImageService, protocol, gateway).getTask({ id }, { timeoutMs: 400 })
      expect(await codeOf(protocol, call)).toBe(Code.DeadlineExceeded)
      // The broker answers only after the server's timer for the deadline, too.
      await Bun.sleep(250)
    } finally {
      process.kill(gateway.nats.pid, 'SIGCONT')
    }
    expect(performance.now() - began).toBeLessThan(3000)
    await waitFor('call counted', handled, (count) => count === before + 1)
    const line = gateway.logs.slice(lines).find(({ msg }) => msg === 'call')
    expect(line).toMatchObject({ status: 'DeadlineExceeded', code: 'deadline_exceeded', level: 'info' })
    expect(await native.unary(calls.getTask, { id })).toMatchObject({ task: { id } })
  }, 30_000)

  test('messages without an image are limited to 1 MiB', async () => {
    const id = 'x'.repeat(MiB)
    const call =
      protocol === 'gRPC'
        ? native.unary(calls.getTask, { id })
        : webClient(ImageService, protocol, gateway).getTask({ id })
    expect(await codeOf(protocol, call)).toBe(Code.ResourceExhausted)
    const just = 'x'.repeat(MiB - 100)
    const fits =
      protocol === 'gRPC'
        ? native.unary(calls.getTask, { id: just })
        : webClient(ImageService, protocol, gateway).getTask({ id: just })
    expect(await codeOf(protocol, fits)).toBe(Code.NotFound)
  }, 30_000)
})

describe('responses', () => {
  test('are never larger than the default limit of clients', async () => {
    const { id: image } = await gateway.image(await sampleImage({ width: 9, height: 9 }))
    // Sixty tasks with the longest possible recipe; a page holds up to two hundred.
    const longest = longestRecipe()
    await Promise.all(Array.from({ length: 60 }, () => gateway.submit(image, longest)))
    using strictClient = grpcClient(gateway.grpcAddress, { 'grpc.max_receive_message_length': 4 * MiB })
    const items = await readAllPages((cursor = '') =>
      strictClient.unary(calls.listTasks, { limit: 200, cursor }),
    )
    expect(new Set(items.map(({ id }) => id)).size).toBeGreaterThanOrEqual(60)
  }, 60_000)
})

function longestRecipe() {
  const step = { op: 'resize', width: 16_000, height: 16_000, fit: 'contain', background: '#12345678' }
  const steps = Array.from({ length: 32 }, () => step)
  return {
    steps: [],
    outputs: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`output-${i}`, { steps }])),
  }
}
