import { expect, setDefaultTimeout, test } from 'bun:test'
import type { Server } from '@grpc/grpc-js'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { startDelayProxy } from '../../../testing/delay-proxy.ts'
import { configureHttp2Server, flowControlWindowBytes } from './configure-http2-server.ts'
import { frameTypes, rawHttp2 } from '../../../testing/raw-http2.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

test('every connection gets equal windows and at most 256 streams', async () => {
  using client = await rawHttp2(gateway.grpcAddress)
  const update = await waitFor('window of the connection', () =>
    client.frames.find(({ type, stream }) => type === frameTypes.windowUpdate && stream === 0),
  )
  const settings = new Map<number, number>()
  for (const { type, body } of client.frames) {
    if (type !== frameTypes.settings) continue
    for (let at = 0; at + 6 <= body.length; at += 6)
      settings.set(body.readUInt16BE(at), body.readUInt32BE(at + 2))
  }
  const maxConcurrentStreams = settings.get(3)
  const streamWindow = settings.get(4)
  const sessionWindow = 65_535 + (update?.body.readUInt32BE(0) ?? 0)
  expect({ maxConcurrentStreams, streamWindow, sessionWindow }).toEqual({
    maxConcurrentStreams: 256,
    streamWindow: flowControlWindowBytes,
    sessionWindow: flowControlWindowBytes,
  })
})

test('a grpc-js version with other private members is refused', () => {
  const other = { commonServerOptions: undefined } as unknown as Server
  expect(() => configureHttp2Server(other)).toThrow('Use version 1.14.7')
})

test('with a round trip of 24 ms, megabytes are in flight', async () => {
  const [host = '', port = ''] = gateway.grpcAddress.split(':')
  await using line = await startDelayProxy(host, Number(port), 12)
  using client = grpcClient(`127.0.0.1:${line.port}`)
  const file = new Uint8Array(12 * 1024 * 1024)
  file.set(await sampleImage({ width: 640, height: 480 }))
  const image = await uploadWhole(client, file, 256 * 1024)
  expect(image?.bytes).toBe(BigInt(file.length))
  // The default window of HTTP/2 would allow 64 KiB.
  expect(line.maxInFlightBytes()).toBeGreaterThan(1024 * 1024)
}, 60_000)
