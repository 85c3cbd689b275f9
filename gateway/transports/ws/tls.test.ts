import { expect, test } from 'bun:test'
import { tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { sampleImage } from '@pixelflow/testkit/images'
import { fetchOptions, createTestCertificates } from '../../testing/test-certificates.ts'
import { openTestGateway } from '../../testing/test-gateway.ts'

test('over TLS the client certificate decides the account', async () => {
  await using certificates = await createTestCertificates()
  await using gateway = await openTestGateway({ env: certificates.env })
  const [ann, bob] = await Promise.all([certificates.client('ann'), certificates.client('bob')])
  const asAnn = fetchOptions(certificates.authority, ann)
  const asBob = fetchOptions(certificates.authority, bob)
  const sent = await gateway.call('/api/v1/images', {
    method: 'POST',
    body: new Uint8Array(await sampleImage({ width: 9, height: 9 })),
    headers: { 'content-type': 'image/jpeg' },
    ...asAnn,
  })
  const { id: image } = (await sent.json()) as { id: string }
  const size = { width: 9, height: 9 }
  await using _ = gateway.adapters.sessionHost.serve('preview', {
    capacity: 2,
    async handle(_opening, session) {
      await session.send({ type: 'opened', source: size, preview: size })
      while ((await session.next()) !== null);
    },
  })

  const firstMessage = async (options: object): Promise<unknown> => {
    const url = gateway.url.replace('https', 'wss').replace('127.0.0.1', 'localhost')
    const socket = new WebSocket(`${url}/api/v1/tune`, { ...options, protocols: [tuneProtocol] })
    socket.addEventListener('open', () =>
      socket.send(JSON.stringify({ type: 'open', image, recipe: 'flip' })),
    )
    const message = await new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }: MessageEvent<string>) => resolve(data))
      socket.addEventListener('close', ({ code }) => resolve(String(code)))
    })
    socket.close()
    return JSON.parse(message)
  }
  expect(await firstMessage(asAnn)).toMatchObject({ type: 'opened' })
  expect(await firstMessage(asBob)).toMatchObject({ type: 'failed', fault: { code: 'image_not_found' } })
  // The handshake fails: the number is the close code.
  expect(await firstMessage(fetchOptions(certificates.authority))).toBeNumber()
}, 60_000)
