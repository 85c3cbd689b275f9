import { expect, test } from 'bun:test'
import type { StoredEvent } from '@pixelflow/core/event'
import { createWatchers } from './watchers.ts'

const never = new AbortController().signal
const one = (seq: number, id = 'a', account = 'ann') =>
  ({ seq, event: { task: { id, account } } }) as StoredEvent

test('dispatches each event to the watchers of its task only', async () => {
  const watchers = createWatchers()
  using first = watchers.subscribe('ann', 'a')
  using second = watchers.subscribe('ann', 'a')
  using other = watchers.subscribe('bob', 'a')
  expect(watchers.count).toBe(3)
  watchers.publish([one(1)])
  watchers.publish([one(2, 'b')])
  watchers.publish([one(3)])
  for (const watch of [first, second]) {
    expect(await watch.next(never)).toEqual([one(1), one(3)])
  }
  const waiting = other.next(never)
  watchers.publish([one(4, 'a', 'bob')])
  expect(await waiting).toEqual([one(4, 'a', 'bob')])
})

test('keeps a few events for a slow watcher, then reports that it has missed some', async () => {
  const watchers = createWatchers(3)
  using watch = watchers.subscribe('ann', 'a')
  for (let seq = 1; seq <= 50; seq++) watchers.publish([one(seq)])
  expect(await watch.next(never)).toBe('missed')
  watchers.publish([one(51)])
  expect(await watch.next(never)).toEqual([one(51)])
})

test('ends a subscription when its signal aborts, and all when it is closed', async () => {
  const watchers = createWatchers()
  const leaving = new AbortController()
  const left = watchers.subscribe('ann', 'a')
  const waiting = left.next(leaving.signal)
  leaving.abort()
  expect(await waiting).toBeNull()
  left[Symbol.dispose]()
  expect(watchers.count).toBe(0)
  using watch = watchers.subscribe('ann', 'a')
  const ended = watch.next(never)
  watchers.close()
  expect(await ended).toBeNull()
  using late = watchers.subscribe('ann', 'a')
  expect(await late.next(never)).toBeNull()
})
