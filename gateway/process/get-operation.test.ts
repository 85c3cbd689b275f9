import { expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { describeOperations } from '@pixelflow/core/operations/index'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { failure, grpcClient } from '../testing/grpc-client.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'

let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))
const { getOperation } = ImageService.method

test('an operation is the same as in the list', async () => {
  const { operations } = (await (await gateway.call('/api/v1/operations')).json()) as ReturnType<
    typeof describeOperations
  >
  for (const one of operations)
    expect(await (await gateway.call(`/api/v1/operations/${one.name}`)).json()).toEqual(one)
  using client = grpcClient(gateway.grpcAddress)
  const { operation } = await client.unary(getOperation, { name: 'resize' })
  expect(operation).toMatchObject({ name: 'resize', place: 'any', text: { usage: expect.any(String) } })
})

test('an unknown name is refused with the nearest one, over both protocols', async () => {
  const refused = await gateway.refusal(gateway.call('/api/v1/operations/resise'))
  expect(refused).toMatchObject({
    status: 404,
    code: 'not_found',
    field: 'name',
    remedy: 'Did you mean resize?',
  })
  using client = grpcClient(gateway.grpcAddress)
  expect(await failure(client.unary(getOperation, { name: 'resise' }))).toMatchObject({ code: 5 })
})
