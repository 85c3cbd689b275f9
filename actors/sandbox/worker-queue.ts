import type { Fault } from '@pixelflow/core/fault'
import type { Worker } from './worker.ts'
import { createFairScheduler, type Contender } from './fair-scheduler.ts'
import { createReservations } from './reservations.ts'

export interface WorkerQueueOptions {
  /** Children that there are when all are alive. */
  readonly children: number
  /** How long work waits, in milliseconds, before work of an account that holds too much is stopped for it. */
  readonly preemptAfterMs: number
  /** Told before a child is killed for that reason. */
  readonly onPreempt: (victim: { worker: Worker; account: string }, to: Contender) => void
}

/** Work that a child has begun. Disposing ends the account's turn. */
export interface WorkerAssignment extends Contender, Disposable {
  readonly worker: Worker
  /** Whether the child was killed so that another account gets one. */
  readonly preempted: boolean
}

/** Gives idle children to waiting work, in scheduler by account. */
export interface WorkerQueue {
  /** The child is free: waiting work gets it, or it is idle. */
  offer(worker: Worker): void
  /** Takes a dead child out; true when it was idle. */
  remove(worker: Worker): boolean
  /**
   * A child for one piece of work, which holds it until it is disposed of.
   * @param goesFirst whether it goes before other work of its account: it had begun already
   * @throws the signal's reason, or the fault given to `refuseAll`.
   */
  take(contender: Contender, signal: AbortSignal, goesFirst: boolean): Promise<WorkerAssignment>
  /** Resolves when the next child becomes free, without taking it. @throws as `take` does. */
  nextFree(signal: AbortSignal): Promise<void>
  /** Ends all waiting. */
  refuseAll(fault: Fault): void
}

interface Waiter extends Contender {
  readonly accept: (worker: Worker) => void
  readonly refuse: (fault: Fault) => void
}

/** How long a child is kept for an account that work was stopped for, as a multiple of how long it had waited. */
const keptFor = 10

export function createWorkerQueue({ children, preemptAfterMs, onPreempt }: WorkerQueueOptions): WorkerQueue {
  const idle: Worker[] = []
  const waiters: Waiter[] = []
  const observers: Waiter[] = []
  /** The newest last. */
  const running = new Set<WorkerAssignment & { preempted: boolean }>()
  const scheduler = createFairScheduler()
  const reservations = createReservations({
    children,
    keepMs: keptFor * preemptAfterMs,
    held: scheduler.held,
  })
  const mayTake = ({ account }: Contender) => reservations.keptFrom(account) < idle.length
  let timer: Timer | undefined

  /** Gives idle children to waiting work, as far as they are not kept for others. */
  const serve = () => {
    clearTimeout(timer)
    while (idle.length > 0) {
      const eligible = waiters.filter(mayTake)
      const waiter = eligible[scheduler.next(eligible)]
      const worker = waiter && idle.pop()
      if (!worker) break
      waiters.splice(waiters.indexOf(waiter), 1)
      // At once, so that the next child goes to another account.
      scheduler.take(waiter.account)
      waiter.accept(worker)
    }
    const { endsInMs } = reservations
    if (idle.length > 0 && waiters.length > 0 && endsInMs !== undefined) {
      timer = setTimeout(serve, Math.ceil(endsInMs)).unref()
    }
  }

  const wait = (list: Waiter[], contender: Contender, signal: AbortSignal, goesFirst: boolean) =>
    new Promise<Worker>((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => signal.removeEventListener('abort', onAbort)
      const waiter: Waiter = {
        ...contender,
        accept: (worker) => (leave(), resolve(worker)),
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
    const victim = scheduler.selectVictim(contender, waiters, running, children)
    // One at a time: the child that replaces the killed one goes to the account whose turn it is.
    if (victim === undefined || victim.preempted) return
    victim.preempted = true
    reservations.begin(contender.account)
    onPreempt(victim, contender)
    void victim.worker.kill()
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
    offer(worker) {
      for (const observer of observers.splice(0)) observer.accept(worker)
      idle.push(worker)
      serve()
    },
    remove(worker) {
      const at = idle.indexOf(worker)
      if (at >= 0) idle.splice(at, 1)
      return at >= 0
    },
    async take(contender, signal, goesFirst) {
      const { account } = contender
      const free = mayTake(contender) ? idle.pop() : undefined
      if (free !== undefined) scheduler.take(account)
      const worker = free ?? (await waitForChild(contender, signal, goesFirst))
      const entry = {
        ...contender,
        worker,
        preempted: false,
        [Symbol.dispose]() {
          if (!running.delete(entry)) return
          scheduler.give(account)
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
