import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmod } from 'node:fs/promises'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import type { IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { runAsOtherUser, type OtherUser } from '@pixelflow/testkit/other-user'
import { freePort } from '@pixelflow/testkit/port'
import { createTestCertificates, type TestCertificates } from '../testing/test-certificates.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import type { ConnectionAttempt, ConnectionResult } from '../testing/connect-as-other-user.ts'
import { readProcessSockets } from '../testing/process-sockets.ts'

let certificates: TestCertificates
let gateway: TestGateway
let ann: IssuedCertificate
let otherUser: OtherUser
beforeAll(async () => {
  certificates = await createTestCertificates()
  ann = await certificates.client('ann')
  const env = { ...certificates.env, PIXELFLOW_TLS_CLIENT_AUTH: 'optional', PIXELFLOW_HOST: '0.0.0.0' }
  gateway = await openTestGateway({ env })
  // The mode of a folder that an administrator created.
  await chmod(gateway.dataDir, 0o755)
  otherUser = await runAsOtherUser(join(import.meta.dir, '../testing/connect-as-other-user.ts'))
}, 60_000)
afterAll(async () => {
  await otherUser?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

const portOf = (address: string) =>
  Number(new URL(address.includes('//') ? address : `http://${address}`).port)
const tryAs = async (attempt: ConnectionAttempt) => (await otherUser.ask<ConnectionResult>(attempt)).status
const success = /^HTTP\/1\.1 2/

/** A connection of the account ann after one call. */
async function connectAnn(localPort?: number): Promise<TLSSocket> {
  const tcp = connectTcp({
    host: '127.0.0.1',
    port: portOf(gateway.url),
    ...(localPort !== undefined && { localAddress: '127.0.0.1', localPort }),
  })
  const socket = connect({
    socket: tcp,
    servername: 'localhost',
    ca: certificates.authority.certificate,
    cert: ann.certificate,
    key: ann.key,
  })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  socket.write('GET /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  expect(String(answer)).toStartWith('HTTP/1.1 200')
  return socket
}

test('another user cannot impersonate a client from a port that its connection uses', async () => {
  const socket = await connectAnn()
  const { listening, connected } = readProcessSockets()
  expect(listening).toContain(portOf(gateway.url))
  const outcomes: string[] = []
  for (const port of listening) {
    for (const localPort of connected) {
      for (const localAddress of ['127.0.0.1', '127.0.0.2']) {
        outcomes.push(await tryAs({ host: '127.0.0.1', port, localAddress, localPort }))
      }
    }
  }
  expect(outcomes.length).toBeGreaterThan(0)
  expect(outcomes.filter((outcome) => success.test(outcome))).toEqual([])
  const direct = { host: '127.0.0.1', port: portOf(gateway.url), isTls: true }
  expect(await tryAs(direct)).toStartWith('HTTP/1.1 401')
  socket.destroy()
}, 60_000)

test('another user cannot connect to the unix sockets', async () => {
  const socket = await connectAnn()
  for (const path of readProcessSockets().paths) expect(await tryAs({ path })).toContain('EACCES')
  socket.destroy()
}, 60_000)

test('another process that reuses the port of a closed connection is not authenticated', async () => {
  const { listening } = readProcessSockets()
  for (let round = 0; round < 20; round++) {
    const localPort = await freePort()
    const socket = await connectAnn(localPort)
    const { connected } = readProcessSockets()
    socket.destroy()
    for (const at of [localPort, ...connected.slice(0, 3)]) {
      for (const port of listening) {
        const from = { host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort: at }
        expect(await tryAs({ ...from, isTls: port === portOf(gateway.url) })).not.toMatch(success)
      }
    }
  }
}, 60_000)

/** The outcome of a gRPC call from this address and port. */
async function listTasks(host: string, localPort: number, client?: IssuedCertificate) {
  const tcp = connectTcp({ host, port: portOf(gateway.grpcAddress), localAddress: '127.0.0.1', localPort })
  const session: ClientHttp2Session = connectHttp2(`https://${host}`, {
    createConnection: () =>
      connect({
        socket: tcp,
        servername: 'localhost',
        ALPNProtocols: ['h2'],
        ca: certificates.authority.certificate,
        ...(client && { cert: client.certificate, key: client.key }),
      }),
  })
  const call = session.request({
    ':method': 'POST',
    ':path': '/pixelflow.v1.ImageService/ListTasks',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let status: unknown
  call.on('response', (headers) => (status ??= headers['grpc-status']))
  call.on('trailers', (headers) => (status ??= headers['grpc-status']))
  call.end(Buffer.alloc(5))
  call.resume()
  await new Promise((resolve, reject) => call.once('end', resolve).once('error', reject))
  return { status: Number(status), session }
}

test('a connection from the same address and port to another address of the gRPC port has no certificate', async () => {
  const localPort = await freePort()
  const own = await listTasks('127.0.0.1', localPort, ann)
  expect(own.status).toBe(0)
  const other = await listTasks('127.0.0.2', localPort)
  expect(other.status).toBe(16)
  own.session.destroy()
  other.session.destroy()
}, 60_000)
