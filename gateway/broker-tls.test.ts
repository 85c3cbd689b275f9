import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { startNats } from '@pixelflow/testkit/nats'
import { startStack } from '@pixelflow/testkit/stack'
import { createTestCertificates } from './testing/test-certificates.ts'

test('a broker that requires TLS is used with TLS', async () => {
  await using certificates = await createTestCertificates()
  const { env, folder } = certificates
  const tls = `tls { cert_file: "${env['PIXELFLOW_TLS_CERT_FILE']}", key_file: "${env['PIXELFLOW_TLS_KEY_FILE']}" }`
  await using nats = await startNats({ config: tls })
  // Trusted authorities are read when a process starts.
  const trust = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt') }
  await using stack = await startStack({ nats, env: trust })
  const gateway = await stack.gateway()
  const stored = await fetch(`${gateway.url}/api/v1/images`, {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: await sampleImage({ width: 1000, height: 1000, quality: 100 }),
  })
  expect(stored.status).toBe(201)
  const { id } = (await stored.json()) as { id: string }

  await nats.kill9()
  await nats.restart()
  const content = await fetch(`${gateway.url}/api/v1/images/${id}/content`)
  expect(content.status).toBe(200)
  expect((await content.bytes()).length).toBeGreaterThan(100_000)
}, 60_000)
