import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { dispatcherName, maxInteractivePerAccount } from '@pixelflow/core/actor'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createFirstJob } from '@pixelflow/core/job'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { readSettings, type Values } from '@pixelflow/platform/config/read-settings'
import { runService, waitForAbort } from '@pixelflow/platform/run-service'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { actorSettings } from './config.ts'
import { drain } from './drain.ts'
import { jobKinds, sessionKinds } from './kinds/index.ts'
import manifest from './package.json'
import { createPresence } from './presence.ts'
import { deadLetterUndeliverable } from './runtime/dead-letter-undeliverable.ts'
import { admitBulkJobs } from './runtime/admit-bulk-jobs.ts'
import { reconcile } from './runtime/reconcile.ts'
import { startRuntime } from './runtime/runtime.ts'
import { logSandbox } from './sandbox/log-sandbox.ts'
import { openSandbox } from './sandbox/sandbox.ts'
import {
  describeBounds,
  createSandboxOptions,
  workerLauncherFor,
  workerStartTimeoutMs,
} from './sandbox/sandbox-options.ts'
import { openScratch } from './sandbox/scratch.ts'

/** One actor process: takes jobs from the queue and live sessions, and runs them in worker processes. */

const table = { ...natsSettings, ...logSettings, ...actorSettings }
type Settings = Values<typeof table>

await runService({ name: 'actors', table, read: () => readSettings(table, process.env), run })

async function run(settings: Settings, log: Logger, stop: AbortSignal): Promise<void> {
  await using scope = new AsyncDisposableStack()

  const scratch = scope.use(await openScratch(settings.scratchDir))
  removeAtExit(scratch.paths)
  const { concurrency, liveConcurrency } = settings
  const launcher = workerLauncherFor(settings)
  const memory = createByteBudget(settings.workerMemoryBytes)
  const options = createSandboxOptions(settings, launcher, scratch.large, logSandbox(log))
  const sandbox = scope.use(openSandbox({ ...options, memory, workers: concurrency }))
  // Live work has workers of its own, so that it never waits for queued work. The operating system shares the cores.
  const liveSandbox =
    liveConcurrency === 0
      ? undefined
      : scope.use(openSandbox({ ...options, memory, workers: liveConcurrency }))
  const starting = Promise.all([
    openAdapters({ settings, name: 'actor', log, reconcileAfterMs: settings.reconcileAfterMs }),
    sandbox.ready(AbortSignal.timeout(workerStartTimeoutMs)),
    liveSandbox?.ready(AbortSignal.timeout(workerStartTimeoutMs)),
  ])
  const stopped = waitForAbort(stop).then(() => Promise.reject(stop.reason))
  const [adapters] = await Promise.race([starting, stopped])
  scope.use(adapters)

  const { images, sources, results, events, queue, deadLetters, leaderElection, registry } = adapters
  const name = `${hostname()}.${process.pid}`
  const context = { images, sources, results, scratch, sandbox, settings, log }
  // While the workers compute, some more jobs fetch their source or store their results. Even more would wait here
  // while another machine is idle.
  const slots = concurrency + Math.ceil(concurrency / 2)
  // Slots beyond those that bulk work may fill: one more than an account may use, so that another account gets one.
  const interactiveSlots = maxInteractivePerAccount(concurrency) + 1
  const handlers = jobKinds.map((kind) => kind(context))
  const runtimes = handlers.map((handler) =>
    startRuntime({
      jobConsumer: adapters.jobConsumer,
      cancellations: adapters.cancellations,
      events,
      deadLetters,
      handler,
      actor: name,
      maxAttempts: settings.maxAttempts,
      slots,
      interactiveSlots,
      log,
    }),
  )
  const hosted = (liveSandbox ? sessionKinds : []).map((kind) => ({
    ...kind,
    sessions: scope.use(
      adapters.sessionHost.serve(kind.kind, kind.host({ ...context, sandbox: liveSandbox ?? sandbox })),
    ),
  }))

  const kinds = handlers.map(({ kind }) => kind)
  const live = hosted.map(({ kind }) => kind)
  const ledRoles = new Set<string>()
  const presence = createPresence({
    name,
    version: manifest.version,
    kinds,
    live,
    slots: (slots + interactiveSlots) * runtimes.length,
    workers: concurrency,
    ledRoles,
    runtimes,
    hosted: hosted.map(({ sessions }) => sessions),
    sandboxes: liveSandbox ? [sandbox, liveSandbox] : [sandbox],
    stop,
    // Of two processes with one name the one that started later counts.
    startedAt: new Date(adapters.clock.now()),
  })
  const announced = scope.use(registry.announce(presence))
  const { undeliverableJobs, backlog } = adapters
  const maxAdmittedOf = () => settings.accountRunning || Number.POSITIVE_INFINITY
  const background = [
    reconcile({ outbox: adapters.outbox, events, queue, jobOf: createFirstJob, log }, stop),
    adapters.retries.forward(stop),
    deadLetterUndeliverable({ leaderElection, undeliverableJobs, deadLetters, events, log }, stop),
    ...kinds.map((kind) => {
      const onLeaderChange = (isLeader: boolean) => {
        ledRoles[isLeader ? 'add' : 'delete'](dispatcherName(kind))
        announced.renew()
      }
      return admitBulkJobs(
        { kind, leaderElection, backlog, registry, maxAdmittedOf, onLeaderChange, log },
        stop,
      )
    }),
  ]
  // `./pixelflow up` waits for an entry with the field `ready`.
  log.info('ready', {
    ready: true,
    kinds,
    scratch: scratch.paths,
    workers: concurrency,
    live,
    liveWorkers: liveConcurrency,
    bounds: describeBounds(settings, launcher),
  })

  await waitForAbort(stop)
  announced.renew()
  await drain({ runtimes, hosted, timeoutMs: settings.drainTimeoutMs, log }, async () => {
    await Promise.all(background)
    await scope.disposeAsync()
  })
}

/** Removes the scratch folders however this process ends, except by SIGKILL. */
function removeAtExit(paths: readonly string[]): void {
  process.on('exit', () => {
    for (const path of paths) {
      try {
        rmSync(path, { recursive: true, force: true })
      } catch {
        // A worker still writes there. The next start of an actor removes the folder.
      }
    }
  })
}
