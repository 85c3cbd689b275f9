import { AsyncLocalStorage } from 'node:async_hooks'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import { createSharedTimer } from '../connection/shared-timer.ts'
import { Unreachable } from '../connection/unreachable.ts'

/**
 * How long all waits of one call for the store may take, in milliseconds: longer than a restart of nats-server, and short
 * enough for the whole call to be answered within 20 s.
 */
export const callTimeoutMs = 11_000
/**
 * A wait that ends with progress within this time does not count: a large file takes many of them. The time
 * beyond it counts, because otherwise a broker that answers every few seconds would prolong a call without limit.
 */
const steadyMs = 1000

/** Measures the time in which a call waits for the store; concurrent waits count once. */
class CallTimer {
  /** Waits that count until the call ends. */
  #spentMs = 0
  /** Waits that ended since the last progress. */
  #recentMs = 0
  /** The part of `#recentMs` that was spent waiting for other calls. */
  #queuedMs = 0
  #waits = 0
  #since = 0
  #isOver = false

  get leftMs(): number {
    if (this.#isOver) return Infinity
    const waitingMs = this.#waits > 0 ? performance.now() - this.#since : 0
    return callTimeoutMs - this.#spentMs - this.#recentMs - waitingMs
  }

  begin(): void {
    this.#waits += 1
    if (this.#waits === 1) this.#since = performance.now()
  }

  end(): void {
    this.#waits -= 1
    if (this.#waits === 0) this.#recentMs += performance.now() - this.#since
  }

  noteQueued(ms: number): void {
    this.#queuedMs += ms
  }

  /** Bytes have moved. */
  noteProgress(): void {
    const now = performance.now()
    if (this.#waits > 0) this.#recentMs += now - this.#since
    this.#since = now
    this.#spentMs += Math.max(0, this.#recentMs - this.#queuedMs - steadyMs)
    this.#recentMs = 0
    this.#queuedMs = 0
  }

  /** The next value of a stream has the whole time. */
  restart(): void {
    this.noteProgress()
    this.#spentMs = 0
  }

  /** The call is answered. Later waits, for example of a download's body, have the default timeout. */
  finish(): void {
    this.#isOver = true
  }
}

const timers = new AsyncLocalStorage<CallTimer | undefined>()

/** The timer is kept in the asynchronous context, so that ports and use cases need not pass it. */
export const storeTimeout: StoreTimeout = {
  async call(work) {
    const timer = new CallTimer()
    try {
      return await timers.run(timer, work)
    } finally {
      timer.finish()
    }
  },
  async *stream(values) {
    const timer = new CallTimer()
    const iterator = values[Symbol.asyncIterator]()
    let isEnded = false
    try {
      while (true) {
        const next = await timers.run(timer, () => iterator.next())
        isEnded = next.done === true
        if (next.done === true) return
        timer.restart()
        yield next.value
        timer.restart()
      }
    } catch (thrown) {
      isEnded = true
      throw thrown
    } finally {
      if (!isEnded) await timers.run(timer, async () => iterator.return?.())
    }
  },
  detached: (work) => timers.run(undefined, work),
}

/** Tells the timer of the current call, if there is one, that the store has taken or sent bytes. */
export function noteProgress(): void {
  timers.getStore()?.noteProgress()
}

/**
 * Waits for memory that other calls hold, as a part of a wait for the store. It counts only until the next
 * progress, because it does not depend on the store.
 */
export async function waitForMemory<T>(work: () => Promise<T>): Promise<T> {
  const begun = performance.now()
  try {
    return await work()
  } finally {
    timers.getStore()?.noteQueued(performance.now() - begun)
  }
}

/**
 * Counts work as a wait for the store without ending it: for work that must not be left behind. It has to end when
 * `leftMs` says that no time is left.
 */
export async function countAsWait<T>(work: (leftMs: () => number) => Promise<T>): Promise<T> {
  const timer = timers.getStore()
  timer?.begin()
  try {
    return await work(() => timer?.leftMs ?? Infinity)
  } finally {
    timer?.end()
  }
}

/** The checks of the current waits. Each ends its wait if the time is over, and returns how long it has left. */
const checks = new Set<() => number>()
const checkTimer = createSharedTimer(() => {
  let nextMs = Infinity
  for (const check of checks) nextMs = Math.min(nextMs, check())
  return performance.now() + nextMs
})
const unlimited = () => Infinity

/**
 * Limits work to the time that the current call has left, and to `maxMs`. Late work continues; its result is ignored, and
 * `leftMs` tells it that no time is left.
 * @param explain returns the error for late work.
 * @throws Unreachable when the time is over, at once when no time was left.
 */
export function withinTimeout<T>(
  maxMs: number,
  work: (leftMs: () => number) => Promise<T>,
  explain: () => Error = timedOut,
): Promise<T> {
  const timer = timers.getStore()
  if (timer === undefined && maxMs === Infinity) return work(unlimited)
  const end = performance.now() + maxMs
  let isOver = false
  const leftMs = () =>
    isOver ? 0 : Math.min(end - performance.now(), timer === undefined ? Infinity : timer.leftMs)
  const initialMs = leftMs()
  if (initialMs <= 0) return Promise.reject(explain())

  return new Promise((resolve, reject) => {
    const finish = () => {
      if (checks.delete(check)) timer?.end()
    }
    // Progress of another exchange of the call may have given it more time.
    const check = () => {
      const ms = leftMs()
      if (ms > 0) return ms
      isOver = true
      finish()
      reject(explain())
      return Infinity
    }
    checks.add(check)
    timer?.begin()
    checkTimer.checkBy(performance.now() + initialMs)
    work(leftMs).then(
      (value) => {
        finish()
        resolve(value)
      },
      (thrown: unknown) => {
        finish()
        reject(thrown)
      },
    )
  })
}

/** The error of a wait whose time is over. */
export function timedOut(): Unreachable {
  return new Unreachable('store timeout of the call')
}
