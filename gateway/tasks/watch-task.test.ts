import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createEvent, formatResumeToken, type EventKind, type StoredEvent } from '@pixelflow/core/event'
import { createPrincipal } from '@pixelflow/core/principal'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { createWatchers, type Watchers } from '../follow/watchers.ts'
import type { EventFollower } from '../ports.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { openEvents } from './watch-task.ts'

const who = createPrincipal('local')
const never = new AbortController().signal
const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

let gateway: TestGateway
let image: string
beforeAll(async () => {
  gateway = await openTestGateway()
  image = (await gateway.image(gif)).id
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

/** @param recent what the gateway remembers of every task */
const followerWith = (watchers: Watchers, recent?: readonly StoredEvent[]): EventFollower => ({
  subscribe: watchers.subscribe,
  recentHistory: () => recent,
  addFirstEvent: () => {},
  logId: '',
  readHead: () => Promise.resolve(undefined),
  waitForSequence: () => Promise.resolve(true),
  waitForHead: () => Promise.resolve(true),
  waitForCatchUp: () => Promise.resolve(true),
})

/** Watches with a separate follower that buffers `maxPending` events for each watcher. */
async function watch(task: string, maxPending: number, signal = never) {
  const watchers = createWatchers(maxPending)
  const stop = new AbortController()
  const { last } = await gateway.adapters.eventLog.readHead()
  let dispatchedTo = last
  const following = (async () => {
    for await (const events of gateway.adapters.eventLog.follow(last, stop.signal)) {
      watchers.publish(events)
      dispatchedTo = events.at(-1)?.seq ?? dispatchedTo
    }
  })()
  const follower = followerWith(watchers)
  const found = await openEvents({ events: gateway.adapters.events, follower })(who, task, undefined, signal)
  if (found === null) throw new Error('nothing to watch')
  return {
    events: found,
    watchers,
    /** Sequence of the last event that was offered to the watcher. */
    dispatchedTo: () => dispatchedTo,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await following
    },
  }
}

const kindOf = (found: IteratorResult<readonly StoredEvent[], void>) =>
  found.done ? 'end' : found.value.map(({ event }) => event.kind).join(' ')

describe('a watcher', () => {
  test('that is slow misses no event', async () => {
    const { id } = await gateway.submit(image)
    await using slow = await watch(id, 1)
    expect(kindOf(await slow.events.next())).toBe('queued')
    await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
    expect(kindOf(await slow.events.next())).toBe('started')
    const written: number[] = []
    for (let n = 0; n < 40; n++) written.push(await gateway.advance(id, 'output', { progress: n }))
    await waitFor('last output dispatched', slow.dispatchedTo, (seq) => seq === written.at(-1))
    const read: number[] = []
    while (read.length < 40) {
      const next = await slow.events.next()
      read.push(...(next.done ? [Number.NaN] : next.value.map(({ seq }) => seq)))
    }
    expect(read).toEqual(written)
    await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    expect(kindOf(await slow.events.next())).toBe('completed')
    expect(kindOf(await slow.events.next())).toBe('end')
    expect(slow.watchers.count).toBe(0)
  })

  test('whose signal aborts while it waits is unsubscribed', async () => {
    const { id } = await gateway.submit(image)
    const client = new AbortController()
    await using watcher = await watch(id, 8, client.signal)
    await watcher.events.next()
    let isSettled = false
    const waiting = watcher.events.next().finally(() => (isSettled = true))
    await stays('watcher waiting', () => !isSettled, 20)
    expect(watcher.watchers.count).toBe(1)
    client.abort()
    expect(kindOf(await waiting)).toBe('end')
    expect(watcher.watchers.count).toBe(0)
  })

  test('ends when the gateway stops', async () => {
    const { id } = await gateway.submit(image)
    await using watcher = await watch(id, 8)
    await watcher.events.next()
    let isSettled = false
    const waiting = watcher.events.next().finally(() => (isSettled = true))
    await stays('watcher waiting', () => !isSettled, 20)
    watcher.watchers.close()
    expect(kindOf(await waiting)).toBe('end')
  })
})

test('a client continues after each event of an entry, on a gateway that remembers the task and on one that does not', async () => {
  const { id } = await gateway.submit(image)
  const { events } = gateway.adapters
  const last = await events.last(who.account, id)
  if (last === null) throw new Error('no task')
  const at = new Date()
  const started = createEvent('started', last.event.task, { status: 'running', attempt: 1 }, at)
  const fetched = createEvent('fetched', started.task, { progress: 30 }, at)
  const completed = createEvent('completed', fetched.task, { status: 'completed', progress: 100 }, at)
  const seq = await events.append(completed, last.seq, [started, fetched])
  const history = await Array.fromAsync(events.history(who.account, id, 0))
  const kinds = ['queued', 'started', 'fetched', 'completed']
  expect(history.map(({ event }) => event.kind)).toEqual(kinds as EventKind[])
  for (const recent of [undefined, history]) {
    const open = openEvents({ events, follower: followerWith(createWatchers(), recent) })
    for (const [i, one] of history.entries()) {
      const from = { token: formatResumeToken(one), field: 'after' }
      const rest = await open(who, id, from, never)
      const read = rest === null ? null : (await Array.fromAsync(rest)).flat()
      expect(read?.map(({ event }) => event) ?? null).toEqual(
        i === history.length - 1 ? null : history.slice(i + 1).map(({ event }) => event),
      )
    }
    const unknown = { token: formatResumeToken({ seq: (seq ?? 0) + 1 }), field: 'after' }
    await expect(open(who, id, unknown, never)).rejects.toMatchObject({ code: 'invalid_request' })
  }
})
