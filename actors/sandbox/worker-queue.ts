import type { Fault } from '@pixelflow/core/fault'
import type { Cell } from './worker.ts'
import { createFairScheduler, type Contender } from './fair-scheduler.ts'
import { createReservations } from './reservations.ts'

export interface ChildQueueOptions {
  /** Children that there are when all are alive. */
  readonly children: number
  /** How long work waits, in milliseconds, before work of an account that holds too much is stopped for it. */
  readonly preemptAfterMs: number
  /** Told before a child is killed for that reason. */
  readonly onPreempt: (victim: { cell: Cell; account: string }, to: Contender) => void
}

/** Work that a child has begun. Disposing ends the account's turn. */
export interface Running extends Contender, Disposable {
  readonly cell: Cell
  /** Whether the child was killed so that another account gets one. */
  readonly preempted: boolean
}

/** Gives idle children to waiting work, in turns by account. */
export interface ChildQueue {
  /** The child is free: waiting work gets it, or it is idle. */
  offer(cell: Cell): void
  /** Takes a dead child out; true when it was idle. */
  remove(cell: Cell): boolean
  /**
   * A child for one piece of work, which holds it until it is disposed of.
   * @param goesFirst whether it goes before other work of its account: it had begun already
   * @throws the signal's reason, or the fault given to `refuseAll`.
   */
  take(contender: Contender, signal: AbortSignal, goesFirst: boolean): Promise<Running>
  /** Resolves when the next child becomes free, without taking it. @throws as `take` does. */
  nextFree(signal: AbortSignal): Promise<void>
  /** Ends all waiting. */
  refuseAll(fault: Fault): void
}

interface Waiter extends Contender {
  readonly accept: (cell: Cell) => void
  readonly refuse: (fault: Fault) => void
}

/** How long a child is kept for an account that work was stopped for, as a multiple of how long it had waited. */
const keptFor = 10

export function createChildQueue({ children, preemptAfterMs, onPreempt }: ChildQueueOptions): ChildQueue {
  const idle: Cell[] = []
  const waiters: Waiter[] = []
  const observers: Waiter[] = []
  /** The newest last. */
  const running = new Set<Running & { preempted: boolean }>()
  const turns = createFairScheduler()
  const reservations = createReservations({ children, keepMs: keptFor * preemptAfterMs, held: turns.held })
  const mayTake = ({ account }: Contender) => reservations.keptFrom(account) < idle.length
  let timer: Timer | undefined

  /** Gives idle children to waiting work, as far as they are not kept for others. */
  const serve = () => {
    clearTimeout(timer)
    while (idle.length > 0) {
      const eligible = waiters.filter(mayTake)
      const waiter = eligible[turns.next(eligible)]
      const cell = waiter && idle.pop()
      if (!cell) break
      waiters.splice(waiters.indexOf(waiter), 1)
      // At once, so that the next child goes to another account.
      turns.take(waiter.account)
      waiter.accept(cell)
    }
    const { endsInMs } = reservations
    if (idle.length > 0 && waiters.length > 0 && endsInMs !== undefined) {
      timer = setTimeout(serve, Math.ceil(endsInMs)).unref()
    }
  }

  const wait = (list: Waiter[], contender: Contender, signal: AbortSignal, goesFirst: boolean) =>
    new Promise<Cell>((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => signal.removeEventListener('abort', onAbort)
      const waiter: Waiter = {
        ...contender,
        accept: (cell) => (leave(), resolve(cell)),
        refuse: (fault) => (leave(), reject(fault)),
      }
      const onAbort = () => {
        list.splice(list.indexOf(waiter), 1)
        reject(signal.reason)
      }
      if (goesFirst) list.unshift(waiter)
      else list.push(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })

  const makeRoomFor = (contender: Contender) => {
    const victim = turns.selectVictim(contender, waiters, running, children)
    // One at a time: the child that replaces the killed one goes to the account whose turn it is.
    if (victim === undefined || victim.preempted) return
    victim.preempted = true
    reservations.begin(contender.account)
    onPreempt(victim, contender)
    void victim.cell.kill()
  }

  const waitForChild = async (contender: Contender, signal: AbortSignal, goesFirst: boolean) => {
    const timer = setInterval(makeRoomFor, preemptAfterMs, contender)
    try {
      return await wait(waiters, contender, signal, goesFirst)
    } finally {
      clearInterval(timer)
    }
  }

  return {
    offer(cell) {
      for (const observer of observers.splice(0)) observer.accept(cell)
      idle.push(cell)
      serve()
    },
    remove(cell) {
      const at = idle.indexOf(cell)
      if (at >= 0) idle.splice(at, 1)
      return at >= 0
    },
    async take(contender, signal, goesFirst) {
      const { account } = contender
      const free = mayTake(contender) ? idle.pop() : undefined
      if (free !== undefined) turns.take(account)
      const cell = free ?? (await waitForChild(contender, signal, goesFirst))
      const entry = {
        ...contender,
        cell,
        preempted: false,
        [Symbol.dispose]() {
          if (!running.delete(entry)) return
          turns.give(account)
          if (!contender.yields) reservations.prolong(account)
        },
      }
      running.add(entry)
      if (!contender.yields) reservations.prolong(account)
      return entry
    },
    async nextFree(signal) {
      await wait(observers, { account: '', yields: false }, signal, false)
    },
    refuseAll(fault) {
      for (const waiter of [...waiters.splice(0), ...observers.splice(0)]) waiter.refuse(fault)
    },
  }
}
