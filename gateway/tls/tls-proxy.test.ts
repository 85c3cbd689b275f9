import { expect, test } from 'bun:test'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { Fault } from '@pixelflow/core/fault'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createTestCertificates, type TestCertificates } from '../testing/test-certificates.ts'
import { requestContextOf, peerOf } from '../transports/shared/request-context.ts'
import { listenHttp } from '../transports/rest/listen-http.ts'
import { readTls, watchTls } from './watch-tls.ts'

const MiB = 2 ** 20
const log = createLogger({ service: 'test', write: () => {} })

interface Served extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly socketFolder: string
  drain(withinMs: number): Promise<void>
  /** Requests whose clients disconnected. */
  readonly disconnected: string[]
  /** Requests that the handler received. */
  readonly received: string[]
  client(): Promise<TLSSocket>
}

/** A server with a few routes behind the TLS proxy. */
async function serve(certificates: TestCertificates, atPort = 0): Promise<Served> {
  const { env } = certificates
  const files = {
    certFile: env['PIXELFLOW_TLS_CERT_FILE'] ?? '',
    keyFile: env['PIXELFLOW_TLS_KEY_FILE'] ?? '',
    clientCaFile: env['PIXELFLOW_TLS_CLIENT_CA_FILE'],
  }
  const watched = watchTls(
    { files, first: readTls(files), clientAuth: 'require', reloadIntervalMs: 60_000 },
    log,
  )
  const disconnected: string[] = []
  const received: string[] = []
  const block = new Uint8Array(MiB)
  const app = new Elysia({ serve: { maxRequestBodySize: 2 ** 40 } })
    .onError(({ error }) => {
      const { message, row } = Fault.of(error)
      return new Response(message, { status: row.http })
    })
    .get('/who', ({ request, server }) => ({
      account: requestContextOf(request).certificate?.account ?? null,
      peer: peerOf(request, server),
    }))
    .get('/much', ({ query, server, request }) => {
      server?.timeout(request, 0)
      request.signal.addEventListener('abort', () => disconnected.push('much'))
      let count = Number(query['MiB'])
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
        if (count-- === 0) controller.close()
        else controller.enqueue(block.slice())
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 1 }))
    })
    .post(
      '/count',
      async ({ request }) => {
        let bytes = 0
        for await (const chunk of request.body ?? []) bytes += chunk.length
        return { bytes }
      },
      { parse: 'none' },
    )
    .ws('/echo', { message: (socket, message) => void socket.send(message) })
    .get('/late', () => {
      received.push('late')
      return Bun.sleep(300).then(() => 'late')
    })
  const socketFolder = join(certificates.folder, 'sockets')
  const http = await listenHttp({
    app,
    host: '127.0.0.1',
    port: atPort,
    tls: { watched, reportRefused: () => {}, socketFolder },
    log,
  })
  const { port } = http
  return {
    url: `https://localhost:${port}`,
    port,
    socketFolder,
    disconnected,
    received,
    drain: (withinMs) => http.drain(withinMs),
    async client() {
      const socket = connect({ host: 'localhost', port, ca: certificates.authority.certificate })
      socket.on('error', () => {})
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      return socket
    },
    async [Symbol.asyncDispose]() {
      watched[Symbol.dispose]()
      await http.drain(0)
    },
  }
}

test('each request has its client, and other processes cannot reach the servers', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  const ann = await certificates.client('ann')
  const ca = certificates.authority.certificate
  const who = async (tls: Bun.TLSOptions) =>
    (await (await fetch(`${served.url}/who`, { tls })).json()) as { account: string | null; peer: string }
  const known = await Promise.all([
    who({ ca, cert: ann.certificate, key: ann.key }),
    who({ ca }),
    ...Array.from({ length: 8 }, () => who({ ca, cert: ann.certificate, key: ann.key })),
  ])
  expect(known.map(({ account }) => account)).toEqual(['ann', null, ...Array<string>(8).fill('ann')])
  for (const { peer } of known) expect(peer).toMatch(/^(?:::ffff:)?127\.0\.0\.1:\d+$|^::1:\d+$/)

  expect(statSync(served.socketFolder).mode & 0o777).toBe(0o700)
  // A connected socket is unlinked, so no one else can connect to it.
  const open = await served.client()
  expect(readdirSync(served.socketFolder)).toEqual([])
  open.destroy()
})

test('large bodies pass in both directions in little memory, also to a stalled client', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  const tls = { ca: certificates.authority.certificate }
  const size = 300
  await fetch(`${served.url}/much?MiB=1`, { tls }).then((answer) => answer.arrayBuffer())
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10)

  let made = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => (made++ < size ? controller.enqueue(new Uint8Array(MiB)) : controller.close()),
  })
  const sent = await fetch(`${served.url}/count`, { method: 'POST', body, tls })
  expect(await sent.json()).toEqual({ bytes: size * MiB })

  const slow = await served.client()
  slow.write(`GET /much?MiB=${size} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  slow.pause()
  // The client reads nothing for a while, so every buffer on the way fills.
  await Bun.sleep(1000)
  let received = 0
  slow.on('data', (data: Buffer) => (received += data.length))
  slow.resume()
  await waitFor('download completed', () => slow.closed, Boolean, { timeoutMs: 30_000 })
  clearInterval(timer)
  expect(received).toBeGreaterThan(size * MiB)
  expect((most - before) / MiB).toBeLessThan(120)
}, 60_000)

test('a disconnect of the client aborts the request', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  const client = await served.client()
  client.write('GET /much?MiB=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise((resolve) => client.once('data', resolve))
  client.destroy()
  await waitFor('request aborted', () => served.disconnected.length)
})

test('draining completes responses and refuses connections', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  const tls = { ca: certificates.authority.certificate }
  const late = fetch(`${served.url}/late`, { tls })
  await waitFor('request received', () => served.received.length)
  const drained = served.drain(5000)
  await expect(fetch(`${served.url}/who`, { tls, keepalive: false })).rejects.toThrow()
  expect(await (await late).text()).toBe('late')
  await drained
})

test('forwards WebSockets', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  const tls = { ca: certificates.authority.certificate }
  const socket = new WebSocket(`${served.url.replace('https', 'wss')}/echo`, { tls })
  const received: unknown[] = []
  socket.addEventListener('message', ({ data }) => received.push(data))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const long = 'x'.repeat(MiB)
  for (const text of ['one', long, 'two']) socket.send(text)
  await waitFor(
    'three messages received',
    () => received.length,
    (length) => length === 3,
  )
  expect(received).toEqual(['one', long, 'two'])
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  socket.close()
  await closed
})

test('a port that is in use is an error', async () => {
  await using certificates = await createTestCertificates()
  await using served = await serve(certificates)
  await expect(serve(certificates, served.port)).rejects.toThrow(
    `Cannot listen on 127.0.0.1 port ${served.port}: another process uses it.`,
  )
})
