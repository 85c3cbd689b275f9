import { describe, expect, test } from 'bun:test'
import { Health } from '@pixelflow/proto/grpc/health/v1/health_pb'
import { Auth, ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway } from '../../testing/test-gateway.ts'
import { failure, grpcClient, uploadWhole } from '../../testing/grpc-client.ts'

const calls = ImageService.method

describe('the account of a call', () => {
  test('follows from the token, and other accounts see nothing of it', async () => {
    await using gateway = await openTestGateway({
      env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' },
    })
    using client = grpcClient(gateway.grpcAddress)
    const as = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } })
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ auth: Auth.TOKEN })
    expect(await client.unary(Health.method.check, {})).toMatchObject({ status: 1 })

    const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
    expect(await failure(client.unary(calls.listTasks, {}))).toMatchObject({ code: 16 })
    expect(await failure(client.unary(calls.listTasks, {}, as('wrong')))).toMatchObject({ code: 16 })
    expect(await failure(uploadWhole(client, await sampleImage({ width: 9, height: 9 })))).toMatchObject({
      code: 16,
    })

    const response = await gateway.call('/api/v1/images', {
      method: 'POST',
      body: new Uint8Array(await sampleImage({ width: 9, height: 9 })),
      headers: { authorization: 'Bearer secret-of-ann', 'content-type': 'image/jpeg' },
    })
    const { id: image } = (await response.json()) as { id: string }
    const { task } = await client.unary(calls.createTask, { image, recipe }, as('secret-of-ann'))
    const id = task?.id ?? ''
    expect(await failure(client.unary(calls.getImage, { id: image }, as('secret-of-bob')))).toMatchObject({
      code: 5,
    })
    expect(await failure(client.unary(calls.getTask, { id }, as('secret-of-bob')))).toMatchObject({ code: 5 })
    expect((await client.unary(calls.listTasks, {}, as('secret-of-bob'))).items).toEqual([])
    expect((await client.unary(calls.listTasks, {}, as('secret-of-ann'))).items).toHaveLength(1)
  }, 30_000)

  test('is the local account without tokens, for loopback hosts only', async () => {
    await using gateway = await openTestGateway()
    using client = grpcClient(gateway.grpcAddress)
    expect((await client.unary(calls.listTasks, {})).items).toEqual([])
    using named = grpcClient(gateway.grpcAddress, { 'grpc.default_authority': 'evil.example' })
    expect(await failure(named.unary(calls.listTasks, {}))).toMatchObject({ code: 7 })
    expect(await failure(named.unary(calls.getVersion, {}))).toMatchObject({ code: 7 })
    // Metadata named `host` does not replace the authority.
    const metadata = { host: 'localhost' }
    expect(await failure(named.unary(calls.listTasks, {}, { metadata }))).toMatchObject({ code: 7 })
  }, 30_000)
})
