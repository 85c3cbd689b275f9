import type { StoredEvent } from '@pixelflow/core/event'
import type { Subscription } from '../ports.ts'

/** Hands the events of the gateway's one follower to whoever watches a task. */
export interface Watchers {
  subscribe(account: string, task: string): Subscription
  dispatch(one: StoredEvent): void
  /** How many are watching. */
  readonly count: number
  /** Ends every watch, those to come as well. */
  close(): void
}

/** @param mostHeld how many events are held for a slow watcher before it has to look into the history */
export function createWatchers(mostHeld = 32): Watchers {
  const byTask = new Map<string, Set<Watch>>()
  let count = 0
  let isClosed = false

  return {
    subscribe(account, task) {
      const key = `${account}/${task}`
      const watch = createWatch(mostHeld, () => {
        count--
        const others = byTask.get(key)
        others?.delete(watch)
        if (others?.size === 0) byTask.delete(key)
      })
      count++
      const others = byTask.get(key)
      if (others) others.add(watch)
      else byTask.set(key, new Set([watch]))
      if (isClosed) watch.close()
      return watch
    },
    dispatch(one) {
      const { account, id } = one.event.task
      for (const watch of byTask.get(`${account}/${id}`) ?? []) watch.offer(one)
    },
    get count() {
      return count
    },
    close() {
      isClosed = true
      for (const watches of byTask.values()) for (const watch of watches) watch.close()
    },
  }
}

interface Watch extends Subscription {
  offer(one: StoredEvent): void
  close(): void
}

function createWatch(mostHeld: number, onEnd: () => void): Watch {
  const held: StoredEvent[] = []
  const state = { hasMissed: false, isClosed: false }
  let wake: (() => void) | undefined
  const stir = () => {
    wake?.()
    wake = undefined
  }

  return {
    offer(one) {
      if (held.length < mostHeld && !state.hasMissed) held.push(one)
      else {
        // The history has all of it, in order: nothing held is worth more than that.
        state.hasMissed = true
        held.length = 0
      }
      stir()
    },
    close() {
      state.isClosed = true
      stir()
    },
    async next(signal) {
      while (held.length === 0 && !state.hasMissed && !state.isClosed && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        signal.addEventListener('abort', stir)
        await promise
        signal.removeEventListener('abort', stir)
      }
      if (state.isClosed || signal.aborted) return null
      if (!state.hasMissed) return held.shift() ?? null
      state.hasMissed = false
      return 'missed'
    },
    [Symbol.dispose]: onEnd,
  }
}
