import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { positionHeader } from '@pixelflow/core/position'
import { sampleImage } from '@pixelflow/testkit/images'
import { startRelay, type Relay } from '@pixelflow/testkit/relay'
import type { Gateway } from '../gateway.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { protocolClients } from '../testing/protocol-clients.ts'

let gateway: TestGateway
let relay: Relay
/** Connects to the broker through the relay. */
let behind: Gateway
let image: string
beforeAll(async () => {
  gateway = await openTestGateway()
  relay = await startRelay(gateway.nats.port)
  behind = await gateway.another({ NATS_URL: `nats://127.0.0.1:${relay.port}` })
  image = (await gateway.image(await sampleImage({ width: 40, height: 30 }))).id
}, 60_000)
afterAll(async () => {
  relay?.release()
  await gateway?.[Symbol.asyncDispose]()
  await relay?.[Symbol.asyncDispose]()
})

describe.each(Object.entries(protocolClients))('%s', (_, { client: connect, refusal }) => {
  test('a gateway that is behind waits for writes of another gateway', async () => {
    const [here, there] = [connect(gateway, image), connect(behind, image)]
    relay.hold()
    const { value: id, position } = await here.create()
    const listed = retryTemporary(() => there.list(position ?? ''))
    const found = retryTemporary(() => there.get(id, position ?? ''))
    // The relay still delays it, and a read without a position returns the current state.
    expect(await there.list()).not.toContain(id)
    relay.release()
    expect((await listed)[0]).toBe(id)
    expect(await found).toBe('queued')
  }, 30_000)

  test('a gateway that cannot catch up in time responds with unavailable', async () => {
    const [here, there] = [connect(gateway, image), connect(behind, image)]
    relay.hold()
    const { value: id, position } = await here.create()
    expect(await refusal(there.list(position ?? ''))).toEqual({ isTemporary: true, field: positionHeader })
    relay.release()
    expect((await retryTemporary(() => there.list(position ?? '')))[0]).toBe(id)
  }, 30_000)

  test('every write returns a position after the previous one', async () => {
    const [here, there] = [connect(gateway, image), connect(behind, image)]
    const made = await here.create()
    const cancelled = await here.cancel(made.value)
    const again = await there.cancel(made.value)
    expect([cancelled.value, again.value]).toEqual(['cancelled', 'cancelled'])
    expect(await there.get(made.value, cancelled.position ?? '')).toBe('cancelled')
    const retried = await here.retry(made.value)
    expect(await there.list(retried.position ?? '')).toContain(retried.value)
    const removed = await here.remove(made.value)
    expect(await there.list(removed.position ?? '')).not.toContain(made.value)
    const seqs = [made, cancelled, retried, removed].map(({ position }) => parseInt(position ?? '', 36))
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    expect(new Set(seqs).size).toBe(4)
    expect(again.position).toBe(cancelled.position)
  }, 30_000)

  test('an invalid position is refused, also one beyond the end of the event log', async () => {
    const there = connect(behind, image)
    const { value: id, position } = await there.create()
    const [, logHash] = (position ?? '').split('.')
    for (const wrong of ['1', 'zzz', '!', `zzzzzzz.${logHash}`]) {
      expect(await refusal(there.list(wrong))).toEqual({ isTemporary: false, field: positionHeader })
      expect(await refusal(there.get(id, wrong))).toEqual({ isTemporary: false, field: positionHeader })
    }
  }, 30_000)

  test('the position of a deleted event log is ignored', async () => {
    const there = connect(behind, image)
    const { value: id } = await there.create()
    expect((await there.list('zzzzz.1'))[0]).toBe(id)
    expect(await there.get(id, 'zzzzz.1')).toBe('queued')
  })

  /** Repeats a call after temporary failures, as clients do: on a slow machine, the wait of one call can be too short. */
  async function retryTemporary<T>(call: () => Promise<T>, attemptsLeft = 10): Promise<T> {
    const made = call()
    try {
      return await made
    } catch (thrown) {
      if (attemptsLeft === 0 || !(await refusal(made)).isTemporary) throw thrown
      relay.release()
      return retryTemporary(call, attemptsLeft - 1)
    }
  }
})

test('the repeated response to an idempotent call has a position, through any gateway', async () => {
  const init = {
    method: 'POST',
    body: JSON.stringify({ image, recipe: 'flip' }),
    headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
  }
  const [first, second] = [
    await gateway.call('/api/v1/tasks', init),
    await fetch(new URL('/api/v1/tasks', behind.url), init),
  ]
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  expect(second.headers.get(positionHeader)).toBe(first.headers.get(positionHeader))
})

test('pages of other origins may send it and read it', async () => {
  const origin = 'https://app.example'
  const open = await gateway.another({ PIXELFLOW_CORS_ORIGINS: origin })
  const asked = await fetch(new URL('/api/v1/tasks', open.url), {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET' },
  })
  expect(asked.headers.get('access-control-allow-headers')).toContain(positionHeader)
  const answer = await fetch(new URL('/api/v1/tasks', open.url), { headers: { origin } })
  expect(answer.headers.get('access-control-expose-headers')).toContain(positionHeader)
})
