import { expect, setDefaultTimeout, test } from 'bun:test'
import type { ActorsView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { reportOf } from '@pixelflow/testkit/contracts/registry'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway } from '../../testing/test-gateway.ts'
import { grpcClient } from '../../testing/grpc-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

test('every caller sees all actors, and only its own tasks', async () => {
  await using gateway = await openTestGateway({
    env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' },
  })
  const [own, other] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()]
  const since = '2026-11-21T10:00:00.000Z'
  const tasks = [
    { account: 'ann', task: own, attempt: 2, since },
    { account: 'bob', task: other, attempt: 1, since },
  ]
  const actorsOf = async (name: string): Promise<ActorsView['items']> => {
    const headers = { authorization: `Bearer secret-of-${name}` }
    const answer = await gateway.call('/api/v1/actors', { headers })
    expect(answer.status).toBe(200)
    return ((await answer.json()) as ActorsView).items
  }
  expect(await actorsOf('ann')).toEqual([])
  await using _one = gateway.adapters.registry.announce(() => reportOf('one.1', { tasks, held: 2 }))
  await using _two = gateway.adapters.registry.announce(() => reportOf('two.2', { state: 'resting' }))
  const seen = await waitFor(
    'two actors',
    () => actorsOf('ann'),
    ({ length }) => length === 2,
  )
  expect(seen).toEqual([
    {
      ...reportOf('one.1'),
      held: 2,
      tasks: [{ task: own, attempt: 2, since }],
      seenAt: expect.any(String),
    },
    { ...reportOf('two.2', { state: 'resting' }), tasks: [], seenAt: expect.any(String) },
  ])
  expect(JSON.stringify(seen)).not.toContain('bob')
  expect((await actorsOf('bob'))[0]?.tasks).toEqual([{ task: other, attempt: 1, since }])
  expect((await gateway.call('/api/v1/actors')).status).toBe(401)

  using client = grpcClient(gateway.grpcAddress)
  const metadata = { authorization: 'Bearer secret-of-ann' }
  const { items } = await client.unary(ImageService.method.listActors, {}, { metadata })
  expect(items.map(({ name, held, tasks }) => [name, held, tasks.map((one) => one.task)])).toEqual([
    ['one.1', 2, [own]],
    ['two.2', 1, []],
  ])
})

test('a gateway that starts later lists them at once', async () => {
  await using gateway = await openTestGateway()
  await using _one = gateway.adapters.registry.announce(() => reportOf('one.1'))
  const begun = performance.now()
  const other = await gateway.another()
  const listed = async () =>
    ((await (await fetch(new URL('/api/v1/actors', other.url))).json()) as ActorsView).items
  await waitFor('one actor', listed, ({ length }) => length === 1, {
    timeoutMs: 1500 + performance.now() - begun,
  })
})
