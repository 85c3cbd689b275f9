import { describe, expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'
import { issueAuthority, issueClient, issueServer, type IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { waitFor } from '@pixelflow/testkit/wait-for'
import {
  fetchOptions,
  grpcCredentials,
  serverHosts,
  createTestCertificates,
  type TestCertificates,
} from '../testing/test-certificates.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { failure, grpcClient } from '../testing/grpc-client.ts'

const calls = ImageService.method
const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
const tokens = { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' }
const optional = { PIXELFLOW_TLS_CLIENT_AUTH: 'optional' }

let certificates: TestCertificates
let ann: IssuedCertificate
let bob: IssuedCertificate
/** Names no account: it only permits the connection. */
let proxy: IssuedCertificate
useFixture(createTestCertificates, async (opened) => {
  certificates = opened
  ann = await certificates.client('ann')
  bob = await certificates.client('bob')
  proxy = await issueClient(certificates.authority, { name: 'proxy' })
})

const open = (more: Record<string, string> = {}) => openTestGateway({ env: { ...certificates.env, ...more } })

/** A client of the gRPC port. It connects by name, because SNI must not be an IP address. */
function grpcClientWith(
  { grpcAddress }: TestGateway,
  client?: IssuedCertificate,
  authority = certificates.authority,
) {
  return grpcClient(grpcAddress.replace('127.0.0.1', 'localhost'), {}, grpcCredentials(authority, client))
}

/** The outcome of the same call over REST, gRPC and Connect. */
async function outcomes(gateway: TestGateway, client?: IssuedCertificate, token?: string): Promise<string[]> {
  const { tls } = fetchOptions(certificates.authority, client)
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` }
  const rest = await gateway.call('/api/v1/tasks', { tls, ...(headers && { headers }) })
  const connect = await gateway.call('/pixelflow.v1.ImageService/ListTasks', {
    method: 'POST',
    body: '{}',
    tls,
    headers: { 'content-type': 'application/json', ...headers },
  })
  using native = grpcClientWith(gateway, client)
  const grpc = await native.unary(calls.listTasks, {}, headers && { metadata: headers }).then(
    () => 'OK',
    ({ code, details }: { code: number; details: string }) =>
      code === 14 ? 'no connection' : `${code} ${details}`,
  )
  const detailOf = (body: unknown) => (body as { detail?: string; message?: string }).detail ?? 'OK'
  return [
    `${rest.status} ${detailOf(await rest.json())}`,
    connect.ok ? 'OK' : `${connect.status} ${((await connect.json()) as { message: string }).message}`,
    grpc,
  ]
}

const taken = ['200 OK', 'OK', 'OK']
const refused = (detail: string) => [`401 ${detail}`, `401 ${detail}`, `16 ${detail}`]

describe('a client certificate decides the account', () => {
  test('and resources of other accounts are not found, over every protocol', async () => {
    await using gateway = await open()
    const asAnn = fetchOptions(certificates.authority, ann)
    const asBob = fetchOptions(certificates.authority, bob)
    const body = new Uint8Array(await sampleImage({ width: 9, height: 9 }))
    const sent = await gateway.call('/api/v1/images', {
      method: 'POST',
      body,
      headers: { 'content-type': 'image/jpeg' },
      ...asAnn,
    })
    const { id: image } = (await sent.json()) as { id: string }
    using annCalls = grpcClientWith(gateway, ann)
    using bobCalls = grpcClientWith(gateway, bob)
    const { task } = await annCalls.unary(calls.createTask, { image, recipe })
    const id = task?.id ?? ''
    expect((await gateway.call(`/api/v1/tasks/${id}`, asAnn)).status).toBe(200)
    expect((await gateway.call(`/api/v1/tasks/${id}`, asBob)).status).toBe(404)
    expect((await gateway.call(`/api/v1/tasks/${id}/events`, asBob)).status).toBe(404)
    expect(await failure(bobCalls.unary(calls.getTask, { id }))).toMatchObject({ code: 5 })
    expect(await failure(bobCalls.unary(calls.getImage, { id: image }))).toMatchObject({ code: 5 })
    expect((await bobCalls.unary(calls.listTasks, {})).items).toEqual([])
    expect((await annCalls.unary(calls.listTasks, {})).items).toHaveLength(1)
  }, 30_000)

  test('and a page of another origin cannot use it', async () => {
    await using gateway = await open()
    const { tls } = fetchOptions(certificates.authority, ann)
    const from = (headers: Record<string, string>) => gateway.call('/api/v1/tasks', { tls, headers })
    const own = gateway.url
    expect((await from({ origin: own })).status).toBe(200)
    expect((await from({ origin: own.replace('https', 'http') })).status).toBe(403)
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await from({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(403)
  }, 30_000)
})

describe('certificates and tokens', () => {
  test('required certificates: an additional token must name the same account', async () => {
    await using gateway = await open(tokens)
    expect(await outcomes(gateway, ann)).toEqual(taken)
    expect(await outcomes(gateway, ann, 'secret-of-ann')).toEqual(taken)
    expect(await outcomes(gateway, ann, 'secret-of-bob')).toEqual(
      refused('The token and the client certificate name different accounts.'),
    )
    expect(await outcomes(gateway, ann, 'wrong')).toEqual(refused('The token is unknown.'))
    expect(await outcomes(gateway, proxy)).toEqual(refused('The client certificate names no account.'))
    expect(await outcomes(gateway, proxy, 'secret-of-bob')).toEqual(taken)
    expect(await outcomes(gateway, undefined, 'secret-of-ann')).toEqual([
      ...refused('This call needs a client certificate.').slice(0, 2),
      'no connection',
    ])
  }, 30_000)

  test('optional certificates: either is enough, and an untrusted one fails the handshake', async () => {
    await using gateway = await open({ ...tokens, ...optional })
    expect(await outcomes(gateway, ann)).toEqual(taken)
    expect(await outcomes(gateway, undefined, 'secret-of-ann')).toEqual(taken)
    expect(await outcomes(gateway)).toEqual(refused('This call needs a token.'))
    using untrusted = grpcClientWith(
      gateway,
      await certificates.client('ann', certificates.untrustedAuthority),
    )
    // Not even for public resources.
    expect(await failure(untrusted.unary(calls.getVersion, {}))).toMatchObject({ code: 14 })
    expect(await failure(untrusted.unary(calls.listTasks, {}))).toMatchObject({ code: 14 })
    const { tls } = fetchOptions(
      certificates.authority,
      await certificates.client('ann', certificates.untrustedAuthority),
    )
    await expect(gateway.call('/health/live', { tls })).rejects.toThrow()

    const refusals = gateway.logs.filter(({ msg }) => msg === 'TLS handshake refused')
    expect(refusals[0]).toMatchObject({ listener: 'grpc', reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    const metrics = await (await gateway.call('/metrics', fetchOptions(certificates.authority, ann))).text()
    expect(metrics).toMatch(/^pixelflow_tls_handshake_failures_total\{listener="grpc"\} [1-9]/m)
    expect(metrics).toMatch(/^pixelflow_tls_handshake_failures_total\{listener="http"\} [1-9]/m)
    const end = Number(/^pixelflow_tls_certificate_expiration_timestamp_seconds (\S+)/m.exec(metrics)?.[1])
    expect(new Date(end * 1000)).toEqual(
      new Date(new X509Certificate(certificates.server.certificate).validTo),
    )
  }, 30_000)

  test('without tokens, a call without a certificate is not the local account', async () => {
    await using gateway = await open(optional)
    expect(await outcomes(gateway)).toEqual(refused('This call needs a client certificate.'))
    expect(await outcomes(gateway, ann)).toEqual(taken)
    expect(await outcomes(gateway, ann, 'any')).toEqual(refused('The token is unknown.'))
  }, 30_000)

  test('TLS without client certificates does not change authentication', async () => {
    await using gateway = await open({ PIXELFLOW_TLS_CLIENT_CA_FILE: '' })
    expect(await outcomes(gateway)).toEqual(taken)
    expect(await outcomes(gateway, ann)).toEqual(taken)
    await using closed = await open({ PIXELFLOW_TLS_CLIENT_CA_FILE: '', ...tokens })
    expect(await outcomes(closed)).toEqual(refused('This call needs a token.'))
    expect(await outcomes(closed, ann)).toEqual(refused('This call needs a token.'))
    expect(await outcomes(closed, undefined, 'secret-of-ann')).toEqual(taken)
  }, 30_000)
})

test('new files apply to new connections, and open streams continue', async () => {
  await using gateway = await open()
  const { authority } = certificates
  const options = fetchOptions(authority, ann)
  using before = grpcClientWith(gateway, ann)
  const sent = await gateway.call('/api/v1/images', {
    method: 'POST',
    body: new Uint8Array(await sampleImage({ width: 9, height: 9 })),
    headers: { 'content-type': 'image/jpeg' },
    ...options,
  })
  const { id: image } = (await sent.json()) as { id: string }
  const { task } = await before.unary(calls.createTask, { image, recipe })
  const id = task?.id ?? ''
  const events = await gateway.call(`/api/v1/tasks/${id}/events`, options)
  const watched: string[] = []
  const watching = (async () => {
    for await (const { event } of before.serverStream(calls.watchTask, { id })) watched.push(`${event?.kind}`)
  })()
  const reading = events.text()

  // A different authority: the old one does not accept clients of the new one.
  const next = await issueAuthority()
  const successor = await issueClient(next, { name: 'ann', account: 'ann' })
  await Bun.write(certificates.env['PIXELFLOW_TLS_CLIENT_CA_FILE'] ?? '', next.certificate)
  await certificates.replaceServer(await issueServer(next, serverHosts))
  await waitFor('TLS files reloaded', () => gateway.logs.some(({ msg }) => msg === 'TLS files reloaded'))

  using after = grpcClientWith(gateway, successor, next)
  await waitFor('new certificates accepted', () => after.unary(calls.listTasks, {}).catch(() => undefined))
  using outdated = grpcClientWith(gateway, ann, next)
  expect(await failure(outdated.unary(calls.listTasks, {}))).toMatchObject({ code: 14 })
  const status = async (client: IssuedCertificate) =>
    (await gateway.call('/api/v1/tasks', { ...fetchOptions(next, client), keepalive: false })).status
  expect(await status(successor)).toBe(200)
  await expect(status(ann)).rejects.toThrow()

  expect(watched).toHaveLength(1)
  await after.unary(calls.cancelTask, { id })
  await watching
  expect(watched).toHaveLength(2)
  expect(await reading).toContain('event: cancelled')
  expect((await before.unary(calls.listTasks, {})).items).toHaveLength(1)
}, 30_000)
