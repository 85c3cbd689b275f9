import { createByteBudget } from '@pixelflow/core/byte-budget'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { ActorSettings } from '../config.ts'
import { logSandbox } from '../sandbox/log-sandbox.ts'
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts'
import { createSandboxOptions, workerStartTimeoutMs } from '../sandbox/sandbox-options.ts'
import type { WorkerLauncher } from '../sandbox/worker-launcher.ts'

/** The sandboxes of an actor. They share one memory budget, and without work one warm worker. */
export interface Sandboxes extends AsyncDisposable {
  /** For queued work. */
  readonly queued: Sandbox
  /** For live work, so that it never waits for queued work; undefined when this actor takes none. */
  readonly live: Sandbox | undefined
  readonly all: readonly Sandbox[]
  /** Resolves when a worker is warm. @throws Fault `unavailable` when workers do not start. */
  ready(): Promise<void>
}

/** @param folder where each worker gets a folder */
export function openSandboxes(
  settings: ActorSettings,
  launcher: WorkerLauncher,
  folder: string,
  log: Logger,
): Sandboxes {
  const { concurrency, liveConcurrency } = settings
  const memory = createByteBudget(settings.workerMemoryBytes)
  const options = createSandboxOptions(settings, launcher, folder, logSandbox(log))
  const queued = openSandbox({ ...options, memory, workers: concurrency })
  // The operating system shares the cores between queued and live work.
  const openLive = () => openSandbox({ ...options, memory, workers: liveConcurrency, lender: queued.lender })
  const live = liveConcurrency === 0 ? undefined : openLive()
  const all = live === undefined ? [queued] : [queued, live]
  return {
    queued,
    live,
    all,
    async ready() {
      await Promise.all(all.map((sandbox) => sandbox.ready(AbortSignal.timeout(workerStartTimeoutMs))))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((sandbox) => sandbox[Symbol.asyncDispose]()))
    },
  }
}
