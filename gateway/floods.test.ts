import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { maxResidentBytes, watchResidentBytes } from './testing/watch-resident-bytes.ts'
import { startFloods } from './testing/floods.ts'
import { grpcClient, uploadWhole } from './testing/grpc-client.ts'
import { startLoadedGateway } from './testing/loaded-gateway.ts'

test('floods of incomplete requests are refused or time out, cost little memory, and do not affect other accounts', async () => {
  await using gateway = await startLoadedGateway({
    PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob',
    PIXELFLOW_METRICS_ACCESS: 'open',
    PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '20s',
  })
  const { url } = gateway.process
  const seen = watchResidentBytes(gateway.process.pid)
  using floods = await startFloods({ url, grpcAddress: gateway.grpcAddress, token: 'secret-of-bob' })

  // Another account uses each protocol while the accepted requests are still held.
  const metadata = { authorization: 'Bearer secret-of-ann' }
  using client = grpcClient(gateway.grpcAddress)
  const photo = await sampleImage({ width: 30, height: 20 })
  const sent = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: photo as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'image/jpeg', ...metadata },
  })
  expect(sent.status).toBe(201)
  const { id: image } = (await sent.json()) as { id: string }
  const recipe = { kind: { case: 'stringValue' as const, value: 'flip' } }
  const created = await client.unary(ImageService.method.createTask, { image, recipe }, { metadata })
  expect(created.task?.id).toBeString()
  expect(await client.unary(ImageService.method.getImage, { id: image }, { metadata })).toMatchObject({
    image: { id: image },
  })
  const found = await fetch(`${url}/pixelflow.v1.ImageService/GetImage`, {
    method: 'POST',
    body: JSON.stringify({ id: image }),
    headers: { 'content-type': 'application/json', ...metadata },
  })
  expect(found.status).toBe(200)
  expect((await uploadWhole(client, photo, 64 * 1024, { metadata }))?.bytes).toBe(BigInt(photo.length))
  expect(floods.ended).toBeLessThan(floods.opened)

  // Requests without credentials ended at once; the others end by the idle timeout.
  await waitFor(
    'all floods ended',
    () => floods.ended,
    (ended) => ended === floods.opened,
    { timeoutMs: 120_000 },
  )
  expect(await seen.stop()).toBeLessThan(maxResidentBytes)
  const statuses = Object.fromEntries(
    floods.parts.flatMap(({ name, flood }) =>
      'responses' in flood ? [[name, Object.keys(flood.responses).sort()]] : [],
    ),
  )
  // The first hundred get 401 for the missing token, the rest 503 for too many refusals.
  for (const name of ['unauthenticated Connect messages', 'unauthenticated JSON'])
    expect({
      name,
      unexpected: statuses[name]?.filter((status) => status !== '401' && status !== '503'),
    }).toEqual({
      name,
      unexpected: [],
    })
  // Which requests fit into the memory limit is random. A client that still sends when it is refused may see a connection
  // reset before it reads the response.
  const ends = new Set(['400', '503', 'closed'])
  for (const name of ['fields of forms', 'files in forms', 'JSON', 'plain uploads'])
    expect({ name, unexpected: statuses[name]?.filter((status) => !ends.has(status)) }).toEqual({
      name,
      unexpected: [],
    })
  const codes = new Set(gateway.process.lines.map((line) => (JSON.parse(line) as { code?: string }).code))
  expect(codes).toContain('unauthenticated')
  expect(codes).toContain('overloaded')
  expect(codes).toContain('truncated_upload')
  await gateway.idle()
}, 240_000)
