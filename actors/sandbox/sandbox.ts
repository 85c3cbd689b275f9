import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { ByteBudget } from '@pixelflow/core/byte-budget'
import { startWorker, type Worker, type WorkerOptions, type WorkItem, type WorkResult } from './worker.ts'
import { createWorkerQueue, type WorkerAssignment } from './worker-queue.ts'
import { createCircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'

export interface SandboxOptions extends WorkerOptions {
  /** How many children are kept warm, so how many pieces of work run at once. */
  readonly children: number
  /** Wall-clock limit of one piece of work in milliseconds. */
  readonly timeLimitMs: number
  /** Resident memory a child may hold while it works, in bytes. */
  readonly maxRssBytes: number
  /** CPU time one piece of work may take, in milliseconds. */
  readonly maxCpuMs: number
  /** Memory that all work at a time may take by its memoryEstimate, shared with other sandboxes of this process. */
  readonly memory: ByteBudget
  readonly circuitBreaker: CircuitBreakerOptions
  /** A child that holds more than this after its work is replaced. */
  readonly recycleRssBytes: number
  /** A child is replaced after so many pieces of work, so that nothing it gathers lasts. */
  readonly recycleAfter: number
  /** First pause before a child that would not start is tried again, in milliseconds; doubles up to 30 s. */
  readonly restartPauseMs: number
  /**
   * How long work waits while another account holds more than its fair share of the children, in milliseconds; then
   * the newest work of that account is stopped: its child is killed, and it starts again when its turn comes.
   */
  readonly preemptAfterMs: number
  readonly tell: SandboxHooks
}

/** What an operator should read about. */
export interface SandboxHooks {
  /** A child was killed or died at its work. */
  lost(news: { pid: number; why: string; words: string }): void
  /** So many children were lost that nothing is taken up for a while. */
  resting(news: CircuitBreakerOptions): void
  /** Work of an account that held more than its fair share of the children was stopped for another account. */
  preempted(news: { pid: number; account: string; to: string }): void
  /** A child would not start. */
  unstartable(news: { why: string; failures: number; againInMs: number }): void
}

export interface SandboxWork extends Pick<WorkItem, 'kind' | 'input' | 'onNote' | 'signal'> {
  /** Whose work it is: accounts take turns at the children. */
  readonly account: string
  /** Memory it may take, in bytes; it waits until there is so much, or all there is. Default: the child's limit. */
  readonly memoryEstimateBytes?: number
  /** Whether work that does not yield goes first where both wait. */
  readonly yields?: boolean
  /** Called when a child takes the work up. */
  readonly onTurn?: () => void
  /** A shorter wall-clock limit than the sandbox's own, in milliseconds. */
  readonly timeLimitMs?: number
}

/** Warm child processes that do the dangerous part, each within bounds of time and memory. */
export interface Sandbox extends AsyncDisposable {
  /**
   * Does one piece of work in the next free child; resolves with the CPU milliseconds it took.
   *
   * A child that circuit at its work is replaced and the work tried once more, since a crash need not be the
   * picture's doing; notes are repeated then. So they are when the work is stopped for another account and starts again.
   * @throws Fault `deadline_exceeded` or `resource_limit_exceeded` when it was killed at a limit, `processing_failed` when two
   * children crashed at it, `actor_lost` when somebody else killed the child, `unavailable` when no child can be
   * started or too many have crashed of late, the fault the child reported, or the reason of `signal`.
   */
  run(work: SandboxWork): Promise<{ cpuMs: number }>
  /**
   * Resolves as soon as a child is warm and none too many have crashed, with a signal that aborts when too many have.
   * @throws Fault `unavailable` after several failed starts, or the signal's.
   */
  ready(signal: AbortSignal): Promise<AbortSignal>
  /** Process ids of the living children. */
  readonly pids: readonly number[]
  /** Whether so many children have crashed of late that nothing is taken up for now. */
  readonly isResting: boolean
}

/** Failed starts in a row after which waiting work is turned away. */
const hopelessAfter = 3
const longestPauseMs = 30_000

/** Starts the children; the first calls wait for them. Disposing kills them. */
export function openSandbox(options: SandboxOptions): Sandbox {
  const closing = new AbortController()
  const living = new Set<Worker>()
  const queue = createWorkerQueue({
    ...options,
    onPreempt: ({ worker, account }, to) =>
      options.tell.preempted({ pid: worker.pid, account, to: to.account }),
  })
  const circuit = createCircuitBreaker(options.circuitBreaker)
  let fit = new AbortController()
  const lost = (news: Parameters<SandboxHooks['lost']>[0]) => {
    options.tell.lost(news)
    if (!circuit.count()) return
    options.tell.resting(options.circuitBreaker)
    fit.abort()
    fit = new AbortController()
  }

  const turnAway = (cause: unknown) => {
    if (living.size > 0) return
    queue.refuseAll(unstartable(cause))
  }

  /** Keeps one child alive until closing. */
  const keep = async () => {
    let failures = 0
    while (!closing.signal.aborted) {
      try {
        const worker = await startWorker(options)
        failures = 0
        living.add(worker)
        if (!closing.signal.aborted) queue.offer(worker)
        else await worker.kill()
        await worker.gone
        living.delete(worker)
        if (queue.remove(worker) && !closing.signal.aborted)
          lost({ pid: worker.pid, why: 'died while it had nothing to do', words: '' })
      } catch (error) {
        failures += 1
        if (failures >= hopelessAfter) turnAway(error)
        const againInMs = Math.min(longestPauseMs, options.restartPauseMs * 2 ** (failures - 1))
        const why = error instanceof Error ? error.message : String(error)
        options.tell.unstartable({ why, failures, againInMs })
        await pause(againInMs, closing.signal)
      }
    }
  }
  const keepers = Array.from({ length: options.children }, keep)

  const giveBack = async (worker: Worker) => {
    if (!worker.alive) return
    const spent =
      worker.served >= options.recycleAfter || (await worker.residentBytes()) > options.recycleRssBytes
    if (spent || closing.signal.aborted) await worker.kill()
    else queue.offer(worker)
  }

  /**
   * A child, with memory set apart for the work. The child comes first: what only waits for one keeps no memory from
   * what could run.
   */
  const takeWorkerWithMemory = async (
    work: SandboxWork,
    memoryEstimate: number,
    isAgain: boolean,
  ): Promise<WorkerAssignment> => {
    const { account, signal, yields = false } = work
    for (;;) {
      const running = await queue.take({ account, yields }, signal, isAgain)
      try {
        await options.memory.take(memoryEstimate, signal, yields)
      } catch (thrown) {
        running[Symbol.dispose]()
        await giveBack(running.worker)
        throw thrown
      }
      if (running.worker.alive) return running
      running[Symbol.dispose]()
      options.memory.give(memoryEstimate)
    }
  }

  const run = async (work: SandboxWork) => {
    const memoryEstimate = Math.min(work.memoryEstimateBytes ?? options.maxRssBytes, options.maxRssBytes)
    for (let tries = 1, isAgain = false; ; isAgain = true) {
      work.signal.throwIfAborted()
      if (closing.signal.aborted) throw stopping()
      if (circuit.restMs > 0) throw resting(circuit.restMs)
      const running = await takeWorkerWithMemory(work, memoryEstimate, isAgain)
      const { worker } = running
      let outcome: WorkResult
      try {
        work.onTurn?.()
        outcome = await worker.run({ ...options, ...work })
      } finally {
        running[Symbol.dispose]()
        options.memory.give(memoryEstimate)
      }
      await giveBack(worker)
      if (running.preempted && outcome.end === 'died') continue
      if (outcome.end === 'done') return { cpuMs: outcome.cpuMs }
      if (outcome.end === 'failed') throw outcome.fault
      if (outcome.end === 'killed') {
        const why = outcome.fault instanceof Error ? outcome.fault.message : String(outcome.fault)
        options.tell.lost({ pid: worker.pid, why, words: '' })
        throw outcome.fault
      }
      lost({ pid: worker.pid, why: `died by ${outcome.by}`, words: outcome.words })
      // Nobody decodes his way into SIGKILL: that is the kernel out of memory, or an operator.
      if (outcome.by === 'SIGKILL') {
        throw new Fault('actor_lost', 'The process working on this image was killed from outside.', {
          cause: outcome.words,
        })
      }
      if (tries === 2) {
        throw new Fault('processing_failed', 'The decoder crashed on this image, twice.', {
          remedy: 'Save the image anew with another program and try again.',
          cause: `${outcome.by}: ${outcome.words}`,
        })
      }
      tries += 1
    }
  }

  return {
    run,
    async ready(signal) {
      while (circuit.restMs > 0) {
        await pause(circuit.restMs, signal)
        signal.throwIfAborted()
      }
      if (living.size === 0) await queue.nextFree(signal)
      return fit.signal
    },
    get pids() {
      return [...living].map((worker) => worker.pid)
    },
    get isResting() {
      return circuit.restMs > 0
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      queue.refuseAll(stopping())
      await Promise.all([...living].map((worker) => worker.kill()))
      await Promise.all(keepers)
    },
  }
}

function stopping(): Fault {
  return new Fault('unavailable', 'This actor is being stopped.', { remedy: 'Try again.', retryAfterMs: 100 })
}

function unstartable(cause: unknown): Fault {
  return new Fault('unavailable', 'No process that may decode images can be started here.', { cause })
}

function resting(restMs: number): Fault {
  return new Fault('unavailable', 'Too many processes that decode images have crashed here of late.', {
    retryAfterMs: restMs,
  })
}
