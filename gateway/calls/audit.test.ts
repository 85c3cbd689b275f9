import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, unknownId, type TestGateway } from '../testing/test-gateway.ts'
import { grpcClient, failure } from '../testing/grpc-client.ts'
import { deleteImage } from '../images/delete-image.ts'

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

const auditLines = () =>
  gateway.logs
    .filter(({ msg }) => msg === 'audit')
    .map(({ call, account, target, result }) => ({ call, account, target, result }))

test('a deletion is audited over every protocol, also a refused one; a read is not', async () => {
  const { id } = await gateway.image(await sampleImage({ width: 8, height: 8 }))
  await gateway.call(`/api/v1/images/${id}`)
  expect((await gateway.call(`/api/v1/images/${id}`, { method: 'DELETE' })).status).toBe(204)
  using client = grpcClient(gateway.grpcAddress)
  await failure(client.unary(deleteImage.rpc as never, { id }))
  expect(auditLines()).toEqual([
    { call: 'deleteImage', account: 'local', target: id, result: 'ok' },
    { call: 'deleteImage', account: 'local', target: id, result: 'image_not_found' },
  ])
})

test('an unknown key with the name of another input is reported as it was sent', async () => {
  const body = JSON.stringify({ image: unknownId, recipe: 'blur', position: 1 })
  const headers = { 'content-type': 'application/json' }
  const refused = await gateway.refusal(gateway.call('/api/v1/tasks', { method: 'POST', body, headers }))
  expect(refused).toMatchObject({ status: 400, field: 'position' })
})
