import { expect, test } from 'bun:test'
import { tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { sampleImage } from '@pixelflow/testkit/images'
import { fetchOptions, createTestCertificates } from '../../testing/test-certificates.ts'
import { openTestGateway } from '../../testing/test-gateway.ts'

test('over TLS a client certificate says who tunes', async () => {
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

  const firstWord = async (options: object): Promise<unknown> => {
    const url = gateway.url.replace('https', 'wss').replace('127.0.0.1', 'localhost')
    const socket = new WebSocket(`${url}/api/v1/tune`, { ...options, protocols: [tuneProtocol] })
    socket.addEventListener('open', () =>
      socket.send(JSON.stringify({ type: 'open', image, recipe: 'flip' })),
    )
    const said = await new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }: MessageEvent<string>) => resolve(data))
      socket.addEventListener('close', ({ code }) => resolve(String(code)))
    })
    socket.close()
    return JSON.parse(said)
  }
  expect(await firstWord(asAnn)).toMatchObject({ type: 'opened' })
  expect(await firstWord(asBob)).toMatchObject({ type: 'failed', fault: { code: 'image_not_found' } })
  // Not even opened: a number is the code that it was closed with.
  expect(await firstWord(fetchOptions(certificates.authority))).toBeNumber()
}, 60_000)
