import { AsyncLocalStorage } from 'node:async_hooks'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import { Unreachable } from '../connection/broker.ts'

/**
 * How long a call waits for the store in all, in milliseconds: longer than a nats-server takes to restart, and short
 * enough for the answer to come within 20 s with everything else that a call does.
 */
export const callTimeoutMs = 11_000

/** Counts the time in which a call waits for the store; waits at the same time count once. */
class CallTimer {
  #spentMs = 0
  #waits = 0
  #since = 0
  #isOver = false

  get leftMs(): number {
    if (this.#isOver) return Infinity
    const waitingMs = this.#waits > 0 ? performance.now() - this.#since : 0
    return callTimeoutMs - this.#spentMs - waitingMs
  }

  begin(): void {
    this.#waits += 1
    if (this.#waits === 1) this.#since = performance.now()
  }

  end(): void {
    this.#waits -= 1
    if (this.#waits === 0) this.#spentMs += performance.now() - this.#since
  }

  /** Bytes have moved: the whole time again. */
  restart(): void {
    this.#spentMs = 0
    this.#since = performance.now()
  }

  /** The call is answered. What still goes on for it, the body of a download for instance, has the usual patience. */
  finish(): void {
    this.#isOver = true
  }
}

const timers = new AsyncLocalStorage<CallTimer | undefined>()

/** Kept in the asynchronous context, so that no port and no use-case has to pass it on. */
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
      for (;;) {
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

/** The store has taken or given bytes of the call that is under way here, if there is one. */
export function noteProgress(): void {
  timers.getStore()?.restart()
}

/**
 * Waits for the store as long as the call allows that is under way here, and at most `mostMs`. Work that is late
 * continues; its result is ignored.
 * @throws Unreachable when the time is over, at once when nothing was left of it.
 */
export async function withinTimeout<T>(
  mostMs: number,
  work: (leftMs: () => number) => Promise<T>,
): Promise<T> {
  const timer = timers.getStore()
  const end = performance.now() + mostMs
  const leftMs = () => Math.min(end - performance.now(), timer?.leftMs ?? Infinity)
  if (leftMs() <= 0) throw tooLate()
  const late = Promise.withResolvers<never>()
  // Looked at again when it fires: progress of another exchange of the call may have given it more time.
  const look = () => {
    const left = leftMs()
    if (left <= 0) late.reject(tooLate())
    else if (left !== Infinity) alarm = setTimeout(look, left)
  }
  let alarm: ReturnType<typeof setTimeout> | undefined
  timer?.begin()
  look()
  try {
    const working = work(leftMs)
    working.catch(() => {})
    return await Promise.race([working, late.promise])
  } finally {
    clearTimeout(alarm)
    timer?.end()
  }
}

function tooLate(): Unreachable {
  return new Unreachable('the store took longer than a call waits for it')
}
