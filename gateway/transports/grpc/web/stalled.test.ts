import { connect, type Socket } from 'node:net'
import { expect, test } from 'bun:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { DownloadRequestSchema, ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'
import { readLoad } from '../../../testing/read-load.ts'

const MiB = 2 ** 20

test.each(['application/connect+proto', 'application/grpc-web+proto'])(
  '%s: downloads that clients do not read take little memory, and end when the clients disconnect',
  async (type) => {
    await using gateway = await startLoadedGateway()
    using client = grpcClient(gateway.grpcAddress)
    const file = new Uint8Array(24 * MiB)
    file.set(await sampleImage({ width: 640, height: 480 }))
    const image = (await uploadWhole(client, file, MiB / 4))?.id ?? ''
    const source = { case: 'image' as const, value: image }
    // A first download allocates what later ones reuse.
    for await (const _ of client.serverStream(ImageService.method.download, { source }));

    const body = toBinary(DownloadRequestSchema, create(DownloadRequestSchema, { source }))
    const { hostname, port, host } = new URL(gateway.process.url)
    const startDownload = async (): Promise<Socket> => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
      socket.pause()
      const head = Buffer.alloc(5)
      head.writeUInt32BE(body.length, 1)
      const lines = [
        'POST /pixelflow.v1.ImageService/Download HTTP/1.1',
        `Host: ${host}`,
        `Content-Type: ${type}`,
        'Connect-Protocol-Version: 1',
        `Content-Length: ${body.length + 5}`,
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      socket.write(Buffer.concat([head, body]))
      return socket
    }
    const before = await gateway.residentBytes()
    const sockets = await Promise.all(Array.from({ length: 40 }, startDownload))
    const activeCalls = async () => (await readLoad(gateway.process)).calls
    await waitFor('40 downloads started', activeCalls, (calls) => calls === 40)
    await stays('40 downloads wait for their clients', async () => (await activeCalls()) === 40, 1500)
    // All downloads together are 960 MiB.
    expect((await gateway.residentBytes()) - before).toBeLessThan(400 * MiB)
    for (const socket of sockets) socket.destroy()
    await waitFor('all calls ended', activeCalls, (calls) => calls === 0)
    const version = await client.unary(ImageService.method.getVersion, {}, { deadlineMs: 5000 })
    expect(version).toMatchObject({ version: '0.1.0' })
  },
  60_000,
)
