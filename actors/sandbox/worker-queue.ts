import type { Fault } from '@pixelflow/core/fault'
import { createFairScheduler, type Contender } from './fair-scheduler.ts'
import { createReservations } from './reservations.ts'
import type { Worker } from './worker.ts'

export interface WorkerQueueOptions {
  /** Number of workers when all are alive. */
  readonly workers: number
  /** How long work waits, in milliseconds, before work of an account above its fair share is preempted. */
  readonly preemptAfterMs: number
  /** Called when work has to wait for a worker. */
  readonly onWait: () => void
  /** Called when work has got a worker. */
  readonly onTaken: () => void
  /** Called before a worker is killed to preempt its work. */
  readonly onPreempt: (victim: { worker: Worker; account: string }, to: Contender) => void
}

/** A worker that was taken for one work item. Disposing gives the account's share back. */
export interface WorkerAssignment extends Contender, Disposable {
  readonly worker: Worker
  /** Whether the worker was killed so that another account gets one. */
  readonly isPreempted: boolean
}

/** Assigns idle workers to waiting work, fairly by account. */
export interface WorkerQueue {
  /** The worker is free: waiting work gets it, or it becomes idle. */
  offer(worker: Worker): void
  /** Removes a dead worker; true when it was idle. */
  remove(worker: Worker): boolean
  /** Removes and returns the worker that has been idle for longest, if that is at least `idleMs` and no work waits. */
  removeIdle(idleMs: number): Worker | undefined
  /** Number of work items that wait for a worker. */
  readonly waiting: number
  /** Number of workers without work. */
  readonly idle: number
  /**
   * Takes a worker for one work item, until the assignment is disposed.
   * @param isRestart whether the work ran before; it then goes before other work of its account
   * @throws the signal's reason, or the fault given to `rejectAll`.
   */
  take(contender: Contender, signal: AbortSignal, isRestart: boolean): Promise<WorkerAssignment>
  /** Resolves when the next worker becomes free, without taking it. @throws as `take` does. */
  nextFree(signal: AbortSignal): Promise<void>
  /** Rejects all waiting work. */
  rejectAll(fault: Fault): void
}

interface Waiter extends Contender {
  readonly accept: (worker: Worker) => void
  readonly reject: (fault: Fault) => void
}

/** How long a worker stays reserved after a preemption, as a multiple of the time that the account had waited. */
const reservationFactor = 10

export function createWorkerQueue({
  workers,
  preemptAfterMs,
  onWait,
  onTaken,
  onPreempt,
}: WorkerQueueOptions): WorkerQueue {
  /** The one that was used last is last, and the first to be taken. */
  const idle: { readonly worker: Worker; readonly since: number }[] = []
  const waiters: Waiter[] = []
  const observers: Waiter[] = []
  /** Oldest first. */
  const running = new Set<WorkerAssignment & { isPreempted: boolean }>()
  const scheduler = createFairScheduler()
  const reservations = createReservations({
    workers,
    durationMs: reservationFactor * preemptAfterMs,
    held: scheduler.held,
  })
  const mayTake = ({ account }: Contender) => reservations.countUnavailable(account) < idle.length
  let timer: Timer | undefined

  /** Assigns idle workers to waiting work, except those reserved for other accounts. */
  const assignIdle = () => {
    clearTimeout(timer)
    while (idle.length > 0) {
      const eligible = waiters.filter(mayTake)
      const waiter = eligible[scheduler.next(eligible)]
      const worker = waiter && idle.pop()?.worker
      if (!worker) break
      waiters.splice(waiters.indexOf(waiter), 1)
      // Counted before the next turn of the loop, so that the next worker goes to another account.
      scheduler.take(waiter.account)
      waiter.accept(worker)
    }
    const { endsInMs } = reservations
    if (idle.length > 0 && waiters.length > 0 && endsInMs !== undefined) {
      timer = setTimeout(assignIdle, Math.ceil(endsInMs)).unref()
    }
  }

  const wait = (list: Waiter[], contender: Contender, signal: AbortSignal, isRestart: boolean) =>
    new Promise<Worker>((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => signal.removeEventListener('abort', onAbort)
      const waiter: Waiter = {
        ...contender,
        accept: (worker) => (leave(), resolve(worker)),
        reject: (fault) => (leave(), reject(fault)),
      }
      const onAbort = () => {
        list.splice(list.indexOf(waiter), 1)
        reject(signal.reason)
      }
      if (isRestart) list.unshift(waiter)
      else list.push(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })

  const preemptFor = (contender: Contender) => {
    const victim = scheduler.selectVictim(contender, waiters, running, workers)
    // One at a time: the worker that replaces the killed one goes to the account that is next.
    if (victim === undefined || victim.isPreempted) return
    victim.isPreempted = true
    reservations.begin(contender.account)
    onPreempt(victim, contender)
    void victim.worker.kill()
  }

  const waitForWorker = async (contender: Contender, signal: AbortSignal, isRestart: boolean) => {
    const timer = setInterval(preemptFor, preemptAfterMs, contender)
    try {
      const waiting = wait(waiters, contender, signal, isRestart)
      onWait()
      return await waiting
    } finally {
      clearInterval(timer)
    }
  }

  return {
    offer(worker) {
      for (const observer of observers.splice(0)) observer.accept(worker)
      idle.push({ worker, since: performance.now() })
      assignIdle()
    },
    remove(worker) {
      const at = idle.findIndex((one) => one.worker === worker)
      if (at >= 0) idle.splice(at, 1)
      return at >= 0
    },
    removeIdle(idleMs) {
      const [first] = idle
      if (first === undefined || waiters.length > 0 || performance.now() - first.since < idleMs)
        return undefined
      idle.shift()
      return first.worker
    },
    get waiting() {
      return waiters.length
    },
    get idle() {
      return idle.length
    },
    async take(contender, signal, isRestart) {
      const { account } = contender
      const free = mayTake(contender) ? idle.pop()?.worker : undefined
      if (free !== undefined) scheduler.take(account)
      const worker = free ?? (await waitForWorker(contender, signal, isRestart))
      const assignment = {
        ...contender,
        worker,
        isPreempted: false,
        [Symbol.dispose]() {
          if (!running.delete(assignment)) return
          scheduler.give(account)
          if (!contender.isLowPriority) reservations.prolong(account)
        },
      }
      running.add(assignment)
      onTaken()
      if (!contender.isLowPriority) reservations.prolong(account)
      return assignment
    },
    async nextFree(signal) {
      await wait(observers, { account: '', isLowPriority: false }, signal, false)
    },
    rejectAll(fault) {
      for (const waiter of [...waiters.splice(0), ...observers.splice(0)]) waiter.reject(fault)
    },
  }
}
