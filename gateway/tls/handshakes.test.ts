import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import { issueClient, type IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import {
  fetchOptions,
  futureValidity,
  grpcCredentials,
  createTestCertificates,
  expiredValidity,
  type TestCertificates,
} from '../testing/test-certificates.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { failure, grpcClient } from '../testing/grpc-client.ts'

let certificates: TestCertificates
let gateway: TestGateway
let ann: IssuedCertificate
beforeAll(async () => {
  certificates = await createTestCertificates()
  ann = await certificates.client('ann')
  gateway = await openTestGateway({ env: certificates.env })
}, 60_000)
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'
const ports = {
  HTTP: { hello: 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n', protocol: 'http/1.1' },
  gRPC: { hello: preface, protocol: 'h2' },
}
type PortName = keyof typeof ports

const portOf = (name: PortName) =>
  Number(name === 'HTTP' ? new URL(gateway.url).port : gateway.grpcAddress.split(':')[1])

/** The first bytes that a port sends, if any. With TLS 1.3 a client learns late that it was refused. */
function answerOf(
  name: PortName,
  client: IssuedCertificate | undefined,
  options: ConnectionOptions = {},
): Promise<string> {
  const { hello, protocol } = ports[name]
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({
    host: 'localhost',
    port: portOf(name),
    ca: certificates.authority.certificate,
    ...(client && { cert: client.certificate, key: client.key }),
    ALPNProtocols: [protocol],
    ...options,
  })
  let problem = 'closed'
  socket.on('secureConnect', () => socket.write(hello))
  socket.on('data', (data: Buffer) => {
    resolve(name === 'HTTP' ? (data.toString().split('\r\n')[0] ?? '') : `${socket.alpnProtocol}`)
    socket.destroy()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => (problem = error.code ?? error.message))
  socket.on('close', () => resolve(`refused: ${problem}`))
  return promise
}

const fine: Record<PortName, string> = { HTTP: 'HTTP/1.1 200 OK', gRPC: 'h2' }

describe.each(Object.keys(ports) as PortName[])('the %s port', (name) => {
  test('accepts a client of its authority, with TLS 1.2 and 1.3', async () => {
    expect(await answerOf(name, ann)).toBe(fine[name])
    expect(await answerOf(name, ann, { maxVersion: 'TLSv1.2' })).toBe(fine[name])
  })

  test.each<[string, () => Promise<IssuedCertificate>]>([
    ['of an unknown authority', () => certificates.client('ann', certificates.untrustedAuthority)],
    [
      'that has expired',
      () => issueClient(certificates.authority, { name: 'ann', account: 'ann' }, expiredValidity),
    ],
    [
      'that is not valid yet',
      () => issueClient(certificates.authority, { name: 'ann', account: 'ann' }, futureValidity),
    ],
    ['for servers', async () => certificates.server],
  ])('refuses a certificate %s', async (_, make) => {
    const client = await make()
    expect(await answerOf(name, client)).toStartWith('refused')
    expect(await answerOf(name, client, { maxVersion: 'TLSv1.2' })).toStartWith('refused')
  })

  test('refuses TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
    expect(await answerOf(name, ann, old)).toContain('PROTOCOL_VERSION')
  })

  test('refuses TLS 1.2 ciphers without authenticated encryption', async () => {
    const ciphers = 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA'
    expect(await answerOf(name, ann, { maxVersion: 'TLSv1.2', ciphers })).toContain('HANDSHAKE_FAILURE')
  })

  test('refuses plaintext', async () => {
    const socket = connectPlain(portOf(name), '127.0.0.1')
    const received: Buffer[] = []
    socket.on('data', (data: Buffer) => received.push(data))
    socket.on('error', () => {})
    socket.write(ports[name].hello)
    await waitFor('connection closed', () => socket.closed)
    // No bytes, or a TLS alert.
    expect([undefined, 0x15]).toContain(Buffer.concat(received)[0])
  })

  test('sends a certificate for its own names only', async () => {
    expect(await answerOf(name, ann, { servername: 'evil.example' })).toContain('ALTNAME')
    const ca = certificates.untrustedAuthority.certificate
    expect(await answerOf(name, ann, { ca })).toContain('SELF_SIGNED')
  })

  test('serves others after refused and aborted handshakes', async () => {
    const untrusted = await certificates.client('ann', certificates.untrustedAuthority)
    const files = async () => (await readdir('/dev/fd')).length
    await answerOf(name, ann)
    const before = await files()
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, i) => {
          if (i % 2 === 0) return answerOf(name, untrusted)
          const socket = connectPlain(portOf(name), '127.0.0.1', () =>
            socket.end(Buffer.from([22, 3, 1, 2, 0, 1])),
          )
          socket.on('error', () => {}).resume()
          return waitFor('connection closed', () => socket.closed)
        }),
      )
    }
    await waitFor('files of refused handshakes closed', files, (open) => open <= before + 2)
    expect(await answerOf(name, ann)).toBe(fine[name])
  }, 30_000)
})

describe('without a client certificate', () => {
  test('the gRPC port is closed', async () => {
    expect(await answerOf('gRPC', undefined)).toContain('CERTIFICATE_REQUIRED')
    expect(await answerOf('gRPC', undefined, { maxVersion: 'TLSv1.2' })).toStartWith('refused')
    using client = grpcClient(nameOf(gateway), {}, grpcCredentials(certificates.authority))
    expect(await failure(client.unary(ImageService.method.getVersion, {}))).toMatchObject({ code: 14 })
  })

  test('the HTTP port serves public resources, and refuses calls', async () => {
    const options = fetchOptions(certificates.authority)
    expect((await gateway.call('/health/live', options)).status).toBe(200)
    expect(await (await gateway.call('/api/v1/settings', options)).json()).toMatchObject({
      auth: 'certificate',
    })
    expect(await gateway.refusal(gateway.call('/api/v1/tasks', options))).toMatchObject({
      status: 401,
      detail: 'This call needs a client certificate.',
    })
  })
})

test('a native gRPC client without TLS, or that trusts another authority, fails', async () => {
  const { authority, untrustedAuthority } = certificates
  using plain = grpcClient(nameOf(gateway))
  using mistaken = grpcClient(nameOf(gateway), {}, grpcCredentials(untrustedAuthority, ann))
  using right = grpcClient(nameOf(gateway), {}, grpcCredentials(authority, ann))
  const named = { 'grpc.ssl_target_name_override': 'evil.example' }
  using misled = grpcClient(nameOf(gateway), named, grpcCredentials(authority, ann))
  for (const client of [plain, mistaken, misled]) {
    expect(await failure(client.unary(ImageService.method.listTasks, {}))).toMatchObject({ code: 14 })
  }
  expect(await right.unary(ImageService.method.listTasks, {})).toMatchObject({ items: [] })
})

/** The gRPC address by name, because SNI must not be an IP address. */
function nameOf({ grpcAddress }: TestGateway): string {
  return grpcAddress.replace('127.0.0.1', 'localhost')
}

test('TLS to plaintext ports fails at once, and the ports stay usable', async () => {
  await using plain = await openTestGateway()
  const portsOf = [Number(new URL(plain.url).port), Number(plain.grpcAddress.split(':')[1])]
  for (const port of portsOf) {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false })
    let isSecure = false
    socket.on('secureConnect', () => (isSecure = true)).on('error', () => {})
    await waitFor('connection closed', () => socket.closed)
    expect(isSecure).toBe(false)
  }
  expect((await plain.call('/health/live')).status).toBe(200)
  using client = grpcClient(plain.grpcAddress)
  expect(await client.unary(ImageService.method.listTasks, {})).toMatchObject({ items: [] })
}, 30_000)
