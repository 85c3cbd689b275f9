import type { ByteBudget } from '@pixelflow/core/byte-budget'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { createNotifier } from '@pixelflow/core/notifier'
import { pause } from '@pixelflow/core/pause'
import { repeatUntilAborted } from '@pixelflow/core/repeat-until-aborted'
import { inSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import { createCircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
import { traceWork } from './trace-work.ts'
import { sandboxFaults } from './sandbox-faults.ts'
import { startWorker, type Worker, type WorkerOptions, type WorkItem, type WorkResult } from './worker.ts'
import { watchLender } from './watch-lender.ts'
import type { WorkerLender } from './worker-lender.ts'
import { createWorkerQueue, type WorkerAssignment } from './worker-queue.ts'

export interface SandboxOptions extends WorkerOptions {
  /** Limit of worker processes, which is the number of work items that run at once. */
  readonly workers: number
  /** Number of workers that are kept warm without work. Further ones start when work waits. */
  readonly warmWorkers: number
  /**
   * A sandbox with the same kind of workers. While it has a worker without work, this one keeps none warm and takes that one.
   */
  readonly lender?: WorkerLender
  /** How long a lender works without a worker to lend before this sandbox keeps one of its own warm, in milliseconds. */
  readonly spareAfterMs: number
  /** Time without work after which a worker beyond `warmWorkers` ends, in milliseconds. */
  readonly idleWorkerMs: number
  /** Wall-clock limit of one work item, in milliseconds. */
  readonly timeLimitMs: number
  /** Resident memory that a worker may hold while it works, in bytes. */
  readonly maxRssBytes: number
  /** CPU time of one work item, in milliseconds. */
  readonly maxCpuMs: number
  /** Memory for all work at a time, by its estimates. Sandboxes of one process share it. */
  readonly memory: ByteBudget
  readonly circuitBreaker: CircuitBreakerOptions
  /** A worker that holds more than this after its work is replaced. */
  readonly recycleRssBytes: number
  /** Work items after which a worker is replaced, so that leaks stay bounded. */
  readonly recycleAfter: number
  /** First pause after a failed start, in milliseconds. It doubles with each failure, up to 30 s. */
  readonly restartPauseMs: number
  /**
   * How long work waits while another account holds more than its fair share of the workers, in milliseconds. After
   * that the newest work of that account is preempted: its worker is killed, and the work starts again later.
   */
  readonly preemptAfterMs: number
  readonly hooks: SandboxHooks
}

/** Called for what an operator should read about. */
export interface SandboxHooks {
  /** A worker was killed, or died, while it worked. `code` is the fault for which the actor killed it. */
  onWorkerLost(details: { pid: number; reason: string; stderr: string; code?: FaultCode }): void
  /** Too many workers crashed: no work starts until the circuit breaker closes again. */
  onCircuitOpen(details: CircuitBreakerOptions): void
  /** Work of an account above its fair share was stopped for work of another account. */
  onPreempted(details: { pid: number; account: string; to: string }): void
  /** A worker did not start. */
  onStartFailed(details: { reason: string; failures: number; retryInMs: number }): void
}

export interface SandboxWork extends Pick<WorkItem, 'kind' | 'input' | 'onNote' | 'signal'> {
  /** The account that pays for the work; workers are shared fairly by account. */
  readonly account: string
  /**
   * Memory that the work may take, in bytes; the work waits until that is free. At most, and by default, the limit of
   * one worker.
   */
  readonly memoryEstimateBytes?: number
  /** Whether other work runs first where both wait. */
  readonly isLowPriority?: boolean
  /** Called when a worker starts the work. */
  readonly onStart?: () => void
  /** A shorter wall-clock limit than the one of the sandbox, in milliseconds. */
  readonly timeLimitMs?: number
}

/** Warm worker processes that decode untrusted files, each within limits of time and memory. */
export interface Sandbox extends AsyncDisposable {
  /**
   * Runs one work item in the next free worker; resolves with the CPU milliseconds it took.
   *
   * When a worker crashes, the work runs once more in another one, since a crash may have other causes than the image.
   * Preempted work starts again. In both cases notes are repeated.
   * @throws Fault `deadline_exceeded` or `resource_limit_exceeded` when a limit was reached, `processing_failed` when two
   * workers crashed, `actor_lost` when the worker was killed from outside, `unavailable` when no worker starts or the
   * circuit breaker is open, the fault that the worker reported, or the reason of `signal`.
   */
  run(work: SandboxWork): Promise<{ cpuMs: number }>
  /**
   * Resolves when a worker is warm and the circuit breaker is closed, with a signal that aborts when the breaker opens.
   * @throws Fault `unavailable` after several failed starts, or the reason of `signal`.
   */
  ready(signal: AbortSignal): Promise<AbortSignal>
  readonly lender: WorkerLender
  /** Process ids of the living workers. */
  readonly pids: readonly number[]
  /** Whether too many workers crashed, so that no work starts for now. */
  readonly isCircuitOpen: boolean
}

/** Failed starts in a row after which waiting work is rejected. */
const maxStartFailures = 3

/** Starts the warm workers; the first calls wait for them. Disposing kills them. */
export function openSandbox(options: SandboxOptions): Sandbox {
  const { hooks } = options
  const closing = new AbortController()
  const living = new Set<Worker>()
  /** Ends the supervision of a worker that is given away. */
  const release = new Map<Worker, () => void>()
  const onTaken = new Set<() => void>()
  let starting = 0
  const needChanged = createNotifier()
  const queue = createWorkerQueue({
    ...options,
    onWait: () => needChanged.notify(),
    onTaken: () => onTaken.forEach((callback) => callback()),
    onPreempt: ({ worker, account }, to) => hooks.onPreempted({ pid: worker.pid, account, to: to.account }),
  })
  const circuit = createCircuitBreaker(options.circuitBreaker)
  let healthy = new AbortController()
  const countCrash = (details: Parameters<SandboxHooks['onWorkerLost']>[0]) => {
    hooks.onWorkerLost(details)
    if (!circuit.count()) return
    hooks.onCircuitOpen(options.circuitBreaker)
    healthy.abort()
    healthy = new AbortController()
  }

  const { lender } = options
  const spare = watchLender(lender, options.spareAfterMs, () => needChanged.notify())
  /** Number of workers that remain, however long they have no work. */
  const lastWorkers = lender === undefined ? options.warmWorkers : 0
  let idleTimer: Timer | undefined
  /** Ends workers beyond the warm ones that have had no work for some time. */
  const endIdleWorkers = () => {
    idleTimer = undefined
    const surplus = living.size > countWarmWorkers() ? queue.removeIdle(options.idleWorkerMs) : undefined
    if (surplus !== undefined) living.delete(surplus)
    void surplus?.kill()
    if (living.size > lastWorkers) idleTimer = setTimeout(endIdleWorkers, options.idleWorkerMs / 2).unref()
  }
  const offer = (worker: Worker) => {
    queue.offer(worker)
    if (living.size > lastWorkers) idleTimer ??= setTimeout(endIdleWorkers, options.idleWorkerMs).unref()
  }

  const countWarmWorkers = () => (spare.keepsWarm ? options.warmWorkers : 0)
  const isWorkerNeeded = () => living.size + starting < countWarmWorkers() || queue.waiting > starting
  /** Waits until a worker is needed, starts or takes one, and resolves when it has exited or is given away. */
  const runWorker = async (resetBackoff: () => void) => {
    while (!isWorkerNeeded()) {
      await needChanged.wait({ signal: closing.signal })
      if (closing.signal.aborted) return
    }
    const released = Promise.withResolvers<void>()
    let worker: Worker
    starting += 1
    try {
      worker = lender?.lend() ?? (await startWorker(options))
      resetBackoff()
      living.add(worker)
      release.set(worker, released.resolve)
      if (!closing.signal.aborted) offer(worker)
    } finally {
      starting -= 1
    }
    if (closing.signal.aborted) await worker.kill()
    await Promise.race([worker.exited, released.promise])
    release.delete(worker)
    living.delete(worker)
    const wasIdle = queue.remove(worker)
    needChanged.notify()
    if (wasIdle && !closing.signal.aborted)
      countCrash({ pid: worker.pid, reason: 'died while idle', stderr: '' })
  }
  /** Runs one worker at a time until the sandbox closes. */
  const superviseWorker = () =>
    repeatUntilAborted(runWorker, {
      signal: closing.signal,
      backoff: { initialMs: options.restartPauseMs },
      onFailure(error, { failures, retryInMs }) {
        if (failures >= maxStartFailures && living.size === 0)
          queue.rejectAll(sandboxFaults.cannotStart(error))
        const reason = error instanceof Error ? error.message : String(error)
        hooks.onStartFailed({ reason, failures, retryInMs })
      },
    })
  const supervisors = Array.from({ length: options.workers }, superviseWorker)

  const returnWorker = async (worker: Worker) => {
    if (!worker.isAlive) return
    const mustRecycle =
      worker.served >= options.recycleAfter || (await worker.hasGrownTo(options.recycleRssBytes))
    if (mustRecycle || closing.signal.aborted) await worker.kill()
    else offer(worker)
  }

  /** Takes the worker first and the memory second: work that waits for a worker must not reserve memory. */
  const assignWorker = async (
    work: SandboxWork,
    memoryEstimate: number,
    isRestart: boolean,
  ): Promise<WorkerAssignment> => {
    const { account, signal, isLowPriority = false } = work
    for (;;) {
      const assignment = await queue.take({ account, isLowPriority }, signal, isRestart)
      try {
        await options.memory.acquire(memoryEstimate, signal, isLowPriority)
      } catch (thrown) {
        assignment[Symbol.dispose]()
        await returnWorker(assignment.worker)
        throw thrown
      }
      if (assignment.worker.isAlive) return assignment
      assignment[Symbol.dispose]()
      options.memory.release(memoryEstimate)
    }
  }

  const run = async (work: SandboxWork) => {
    const memoryEstimate = Math.min(work.memoryEstimateBytes ?? options.maxRssBytes, options.maxRssBytes)
    for (let tries = 1, isRestart = false; ; isRestart = true) {
      work.signal.throwIfAborted()
      if (closing.signal.aborted) throw sandboxFaults.stopping()
      if (circuit.openForMs > 0) throw sandboxFaults.circuitOpen(circuit.openForMs)
      const assignment = await inSpan('worker wait', {}, () => assignWorker(work, memoryEstimate, isRestart))
      const { worker } = assignment
      let result: WorkResult
      try {
        work.onStart?.()
        result = await traceWork(worker, { ...options, ...work })
      } finally {
        assignment[Symbol.dispose]()
        options.memory.release(memoryEstimate)
      }
      await returnWorker(worker)
      if (assignment.isPreempted && result.status === 'died') continue
      if (result.status === 'done') return { cpuMs: result.cpuMs }
      if (result.status === 'failed') throw result.fault
      if (result.status === 'killed') {
        const { fault } = result
        const reason = fault instanceof Error ? fault.message : String(fault)
        const code = fault instanceof Fault ? { code: fault.code } : {}
        hooks.onWorkerLost({ pid: worker.pid, reason, stderr: '', ...code })
        throw result.fault
      }
      const { exit, stderr } = result
      countCrash({ pid: worker.pid, reason: `died: ${exit}`, stderr })
      // A decoder cannot raise SIGKILL by a bug: the sender is the kernel out of memory, or an operator.
      if (exit === 'SIGKILL') throw sandboxFaults.killedFromOutside(stderr)
      if (tries === 2) throw sandboxFaults.crashedTwice(`${exit}: ${stderr}`)
      tries += 1
    }
  }

  return {
    run,
    lender: {
      get canLend() {
        return queue.waiting === 0 && queue.idle + starting > 0
      },
      lend() {
        const worker = queue.removeIdle(0)
        if (worker === undefined) return undefined
        living.delete(worker)
        release.get(worker)?.()
        return worker
      },
      onTaken: (callback) => void onTaken.add(callback),
    },
    async ready(signal) {
      while (circuit.openForMs > 0) {
        await pause(circuit.openForMs, signal)
        signal.throwIfAborted()
      }
      // Work gets a worker of the lender, or starts one.
      if (living.size === 0 && lender === undefined) await queue.nextFree(signal)
      return healthy.signal
    },
    get pids() {
      return [...living].map((worker) => worker.pid)
    },
    get isCircuitOpen() {
      return circuit.openForMs > 0
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      clearTimeout(idleTimer)
      spare[Symbol.dispose]()
      queue.rejectAll(sandboxFaults.stopping())
      await Promise.all([...living].map((worker) => worker.kill()))
      await Promise.all(supervisors)
    },
  }
}
