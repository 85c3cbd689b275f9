import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { EventView } from '@pixelflow/core/views'
import type { EventKind } from '@pixelflow/core/event'
import { sampleImage } from '@pixelflow/testkit/images'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'
import { readLoad } from '../../testing/read-load.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

let gateway: TestGateway
let image: string

beforeAll(async () => {
  gateway = await openTestGateway({ env: { PIXELFLOW_SSE_HEARTBEAT_INTERVAL: '100ms' } })
  image = (await gateway.image(await sampleImage({ width: 20, height: 20 }))).id
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

interface Seen {
  readonly id: string
  readonly event: string
  readonly data: EventView
}

/** The events of a connection until it ends, without heartbeats. */
async function* watch(url: string, id: string, lastId?: string): AsyncGenerator<Seen> {
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId }
  const response = await fetch(`${url}/api/v1/tasks/${id}/events`, { headers })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
      )
      if (fields.get('event') === 'heartbeat') continue
      const data = JSON.parse(fields.get('data') ?? '') as EventView
      yield { id: fields.get('id') ?? '', event: fields.get('event') ?? '', data }
    }
  }
}

const waitForWatchers = (count: number) =>
  waitFor(
    `${count} watchers`,
    () => readLoad(gateway),
    ({ watchers }) => watchers === count,
  )

/** Appends the events of a whole task, with a pause after each. */
async function live(id: string, { outputs = 1, pauseMs = 0 } = {}): Promise<void> {
  const step = async (kind: EventKind, change = {}) => {
    await gateway.advance(id, kind, change)
    await Bun.sleep(pauseMs)
  }
  await step('started', { status: 'running', attempt: 1 })
  await step('fetched', { progress: 20 })
  await step('decoded', { progress: 40 })
  for (let n = 0; n < outputs; n++) await step('output', { progress: 50 + n })
  await step('completed', { status: 'completed', progress: 100 })
}

describe('the events of a task', () => {
  test('are sent live, once and in order, and the stream ends after the final one', async () => {
    const { id } = await gateway.submit(image)
    const watching = watch(gateway.url, id)
    const first = (await watching.next()).value as Seen
    const [rest] = await Promise.all([Array.fromAsync(watching), live(id, { pauseMs: 5 })])
    const seen = [first, ...rest]
    expect(seen.map((one) => one.event)).toEqual(completedEventKinds)
    expect(seen.map((one) => one.data.kind)).toEqual(seen.map((one) => one.event) as EventView['kind'][])
    expect(seen.map((one) => one.data.task.progress)).toEqual([0, 0, 20, 40, 50, 100])
    expect(new Set(seen.map((one) => one.id)).size).toBe(6)
  })

  test('are sent from the history of an ended task', async () => {
    const { id } = await gateway.submit(image)
    await live(id)
    expect((await Array.fromAsync(watch(gateway.url, id))).map((one) => one.event).at(-1)).toBe('completed')
  })

  test('resume after any of them, on any gateway', async () => {
    const other = await gateway.another()
    const { id } = await gateway.submit(image)
    await live(id, { outputs: 3 })
    const whole = await Array.fromAsync(watch(gateway.url, id))
    for (const [at, one] of whole.slice(0, -1).entries()) {
      const rest = await Array.fromAsync(watch(at % 2 ? gateway.url : other.url, id, one.id))
      expect(rest).toEqual(whole.slice(at + 1))
    }
  })

  test('reach a hundred watchers that connect and reconnect', async () => {
    const other = await gateway.another()
    const { id } = await gateway.submit(image)
    const follow = async (n: number) => {
      const seen: Seen[] = []
      // The watchers connect at different moments of the task.
      await Bun.sleep(n * 3)
      const reconnect = async () => {
        for await (const one of watch(n % 2 ? gateway.url : other.url, id, seen.at(-1)?.id)) {
          seen.push(one)
          if ((seen.length + n) % 4 === 0) break
        }
        return seen.at(-1)?.event
      }
      await waitFor('final event', reconnect, (event) => event === 'completed')
      return seen
    }
    const [all] = await Promise.all([
      Promise.all(Array.from({ length: 100 }, (_, n) => follow(n))),
      live(id, { outputs: 20, pauseMs: 10 }),
    ])
    for (const seen of all) expect(seen).toEqual(all[0] as Seen[])
    expect(all[0]?.length).toBe(25)
  }, 30_000)

  test('are complete for a watcher that pauses reading', async () => {
    const { id } = await gateway.submit(image)
    await waitForWatchers(0)
    using client = await connectRawClient(gateway.url)
    client.socket.pause()
    await client.sendHead('GET', `/api/v1/tasks/${id}/events`, { Connection: 'close' })
    await waitForWatchers(1)
    await live(id, { outputs: 120 })
    client.socket.resume()
    await waitFor('connection closed', () => client.socket.closed || client.socket.destroyed)
    const text = (await client.response()).body.toString()
    const ids = [...text.matchAll(/^id: (\w+)$/gm)].map((found) => Number.parseInt(found[1] ?? '', 36))
    expect(ids.length).toBe(125)
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    expect(text).toContain('event: completed')
  }, 20_000)

  test('end with a deletion, which watchers receive', async () => {
    const { id } = await gateway.submit(image)
    const watching = watch(gateway.url, id)
    const first = (await watching.next()).value as Seen
    await gateway.deleteTask(id)
    const seen = [first, ...(await Array.fromAsync(watching))]
    expect(seen.map((one) => one.event)).toEqual(['queued', 'cancelled'])
    expect((await Array.fromAsync(watch(gateway.url, id, seen[0]?.id))).map((one) => one.event)).toEqual([
      'deleted',
    ])
    expect(await gateway.refusal(gateway.call(`/api/v1/tasks/${id}/events`))).toMatchObject({ status: 404 })
  })
})

describe('the stream', () => {
  test('starts at once, must not be buffered, and has heartbeats', async () => {
    const { id } = await gateway.submit(image)
    const leaving = new AbortController()
    const response = await gateway.call(`/api/v1/tasks/${id}/events`, { signal: leaving.signal })
    expect(response.headers.get('content-type')).toStartWith('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-request-id')).toBeString()
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk)
      if (text.split('event: heartbeat\ndata: {}\n\n').length > 3) break
    }
    expect(text).toStartWith('retry: ')
    expect(text.match(/^id: /gm)?.length).toBe(1)
    leaving.abort()
  })

  test('ends when the client disconnects', async () => {
    const { id } = await gateway.submit(image)
    await waitForWatchers(0)
    const leaving = new AbortController()
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => gateway.call(`/api/v1/tasks/${id}/events`, { signal: leaving.signal })),
    )
    await Promise.all(responses.map((one) => one.body?.getReader().read()))
    await waitForWatchers(5)
    leaving.abort()
    await waitForWatchers(0)
  })

  test('is a 204 when no event can follow', async () => {
    const { id } = await gateway.submit(image)
    await live(id)
    const last = (await Array.fromAsync(watch(gateway.url, id))).at(-1)?.id ?? ''
    const answer = await gateway.call(`/api/v1/tasks/${id}/events?after=${last}`)
    expect([answer.status, await answer.text()]).toEqual([204, ''])
  })

  test('resumes after the token of the header, lastEventId or after, in this order', async () => {
    const { id } = await gateway.submit(image)
    await live(id)
    const all = await Array.fromAsync(watch(gateway.url, id))
    const [first = '', second = '', third = ''] = all.map((one) => one.id)
    const firstSeen = async (query: string, header?: string) => {
      const init = header === undefined ? {} : { headers: { 'last-event-id': header } }
      const answer = await gateway.call(`/api/v1/tasks/${id}/events?${query}`, init)
      expect(answer.status).toBe(200)
      return /^id: (.*)$/m.exec(await answer.text())?.[1]
    }
    expect(await firstSeen('')).toBe(first)
    expect(await firstSeen(`lastEventId=${first}`)).toBe(second)
    expect(await firstSeen(`after=${first}`)).toBe(second)
    expect(await firstSeen(`after=${first}&lastEventId=${second}`)).toBe(third)
    expect(await firstSeen(`after=${first}&lastEventId=`)).toBe(second)
    expect(await firstSeen(`lastEventId=${second}`, first)).toBe(second)
    expect(await firstSeen(`after=${second}`, first)).toBe(second)
  })

  // The second is a valid token far beyond the events of the task.
  test.each([
    ['lastEventId', '!'],
    ['lastEventId', 'nonsense'],
    ['after', '!'],
    ['after', 'nonsense'],
  ])('refuses an invalid token and names the parameter %s=%s', async (field, token) => {
    const { id } = await gateway.submit(image)
    const answer = gateway.call(`/api/v1/tasks/${id}/events?${field}=${token}`)
    const detail = `Invalid resume token "${token}".`
    expect(await gateway.refusal(answer)).toMatchObject({
      status: 400,
      field,
      detail,
      remedy: 'Send the token of the last event seen of this task, or none to begin with its first event.',
    })
  })

  test('refuses unknown and repeated parameters', async () => {
    const { id } = await gateway.submit(image)
    for (const [query, field] of [
      ['last-event-id=1', 'last-event-id'],
      ['after=1&after=1', 'after'],
    ] as const) {
      const answer = gateway.call(`/api/v1/tasks/${id}/events?${query}`)
      expect(await gateway.refusal(answer)).toMatchObject({ status: 400, field })
    }
  })

  test.each(['!', '-1', '1e9', 'zzzzzzzzzzz'])('refuses the token %s', async (token) => {
    const { id } = await gateway.submit(image)
    const answer = gateway.call(`/api/v1/tasks/${id}/events`, { headers: { 'last-event-id': token } })
    expect(await gateway.refusal(answer)).toMatchObject({ status: 400, field: 'Last-Event-ID' })
  })

  test('continues after a restart of the broker without losing or repeating an event', async () => {
    const { id } = await gateway.submit(image)
    const received = Array.from({ length: 10 }, (): Seen[] => [])
    const follow = async (seen: Seen[]) => {
      const reconnect = async () => {
        try {
          for await (const one of watch(gateway.url, id, seen.at(-1)?.id)) seen.push(one)
        } catch {
          // The client's pause before it connects again.
          await Bun.sleep(50)
        }
        return seen.at(-1)?.event
      }
      await waitFor('final event', reconnect, (event) => event === 'completed', { timeoutMs: 30_000 })
    }
    const watching = Promise.all(received.map(follow))
    await waitFor(
      'every watcher has the first event',
      () => received.map(({ length }) => length),
      (counts) => counts.every(Boolean),
    )
    await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
    await gateway.nats.kill9()
    // The gateway notices that the broker is gone.
    await Bun.sleep(200)
    await gateway.nats.restart()
    const append = () =>
      gateway.advance(id, 'fetched', { progress: 10 }).then(
        () => true,
        () => false,
      )
    await waitFor('event appended', append, Boolean, { timeoutMs: 20_000 })
    await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    await watching
    for (const seen of received)
      expect(seen.map((one) => one.event)).toEqual(['queued', 'started', 'fetched', 'completed'])
  }, 40_000)
})
