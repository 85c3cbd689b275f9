import { expect, test } from 'bun:test'
import { connect, type TLSSocket } from 'node:tls'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { limitOpenFilesOf } from '@pixelflow/testkit/open-files'
import { hasMessage } from '@pixelflow/testkit/process'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { fetchOptions } from '../testing/test-certificates.ts'
import { startTlsStack, type TlsStack } from '../testing/tls-stack.ts'

let tls: TlsStack
useFixture(startTlsStack, (opened) => (tls = opened))

/** A client without a certificate. */
function handshake(port: number): TLSSocket {
  const socket = connect({ host: 'localhost', port, ca: tls.certificates.authority.certificate })
  return socket.on('error', () => {}).on('secureConnect', () => socket.write('GET / HTTP/1.1\r\n'))
}

test('a TLS gateway without file descriptors refuses connections, and serves later ones', async () => {
  const unlimited = limitOpenFilesOf(tls.gateway.pid, 20)
  const ports = [Number(new URL(tls.url).port), tls.grpcPort]
  const sockets = Array.from({ length: 200 }, (_, i) => handshake(ports[i % 2 === 0 ? 0 : 1] ?? 0))
  const refused = JSON.parse(await tls.gateway.line(hasMessage('connection refused'))) as Record<
    string,
    unknown
  >
  expect(refused).toMatchObject({ level: 'warn', listener: 'http', reason: 'EMFILE' })
  for (const socket of sockets) socket.destroy()
  await waitFor('all sockets closed', () => sockets.every(({ closed }) => closed))
  unlimited()

  const options = fetchOptions(tls.certificates.authority, tls.ann)
  expect((await fetch(`${tls.url}/health/live`, options)).status).toBe(200)
  using client = tls.client()
  expect(await client.unary(ImageService.method.listTasks, {})).toMatchObject({ items: [] })
}, 60_000)
