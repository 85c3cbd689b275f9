import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { dispatcherName, maxInteractivePerAccount } from '@pixelflow/core/actor'
import { firstJob } from '@pixelflow/core/job'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { readSettings, type Values } from '@pixelflow/platform/config/read-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { runService, waitForAbort } from '@pixelflow/platform/run-service'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { actorSettings } from './config.ts'
import { handlersOf, liveKindsOf } from './kinds/index.ts'
import { createScratchQuota } from './kinds/preview/scratch-quota.ts'
import manifest from './package.json'
import { createPresence } from './presence.ts'
import { deadLetterUndeliverable } from './runtime/dead-letter-undeliverable.ts'
import { dispatch } from './runtime/dispatch.ts'
import { reconcile } from './runtime/reconcile.ts'
import { startRuntime } from './runtime/runtime.ts'
import { openSandbox, type SandboxHooks } from './sandbox/sandbox.ts'
import { openScratch } from './sandbox/scratch.ts'
import {
  describeBounds,
  workerStartTimeoutMs,
  workerLauncherFor,
  sandboxOptions,
} from './sandbox/sandbox-options.ts'

/** One actor process: takes jobs from the queue and has its children do them, until it is told to stop. */

const table = { ...natsSettings, ...logSettings, ...actorSettings }
type Settings = Values<typeof table>

/** Time kept back from the drain for giving back what did not finish, and for saying goodbye, in milliseconds. */
const goodbyeMs = 1500

await runService({ name: 'actors', table, read: () => readSettings(table, process.env), run })

async function run(settings: Settings, log: Logger, stop: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack()

  const scratch = parts.use(await openScratch(settings.scratchDir))
  // However this process comes to its end, short of a kill.
  process.on('exit', () => {
    for (const path of scratch.paths) {
      try {
        rmSync(path, { recursive: true, force: true })
      } catch {
        // A child writes there to its last moment. The next start of an actor sweeps it.
      }
    }
  })
  const { maxPixels, maxAttempts, concurrency, liveConcurrency } = settings
  const launcher = workerLauncherFor(settings)
  const memory = createByteBudget(settings.childrenMemoryBytes)
  const tell: SandboxHooks = {
    lost: (news) => log.warn('child lost', { ...news }),
    resting: (news) => log.error('out of service: children keep crashing', { ...news }),
    preempted: (news) => log.info('work preempted for another account', { ...news }),
    unstartable: (news) => log.error('child does not start', { ...news }),
  }
  const openChildren = (children: number) =>
    parts.use(openSandbox({ ...sandboxOptions(settings, launcher, scratch.large, tell), memory, children }))
  const sandbox = openChildren(concurrency)
  // Whoever waits for an answer never waits for the queue: the machine's scheduler shares the cores between the two.
  const liveSandbox = liveConcurrency === 0 ? undefined : openChildren(liveConcurrency)
  const starting = Promise.all([
    openAdapters({ settings, name: 'actor', log, reconcileAfterMs: settings.reconcileAfterMs }),
    sandbox.ready(AbortSignal.timeout(workerStartTimeoutMs)),
    liveSandbox?.ready(AbortSignal.timeout(workerStartTimeoutMs)),
  ])
  const [adapters] = await Promise.race([
    starting,
    waitForAbort(stop).then(() => Promise.reject(stop.reason)),
  ])
  parts.use(adapters)

  const { images, sources, results, events, queue, cancellations } = adapters
  const handlers = handlersOf({ images, blobs: sources, results, scratch, sandbox, maxPixels })
  const name = `${hostname()}.${process.pid}`
  // While the children compute, further jobs fetch their source or store their results; more would only wait here
  // while another machine has nothing to do.
  const slots = concurrency + Math.ceil(concurrency / 2)
  // With all of them taken by bulk work, the next interactive picture is still fetched and first in line for a child;
  // one more than an account may take, so that another account's is, too.
  const interactiveSlots = maxInteractivePerAccount(concurrency) + 1
  const runtimes = handlers.map((handler) =>
    startRuntime({
      source: adapters.work,
      cancellations,
      events,
      deadLetters: adapters.deadLetters,
      handler,
      actor: name,
      maxAttempts,
      slots,
      interactiveSlots,
      log,
    }),
  )
  const live =
    liveSandbox &&
    liveKindsOf({
      images,
      blobs: sources,
      scratch,
      sandbox: liveSandbox,
      maxPixels,
      log,
      concurrency: liveConcurrency,
      previewSessions: settings.previewSessions,
      scratchQuota: createScratchQuota(settings.previewScratchBytes),
      idleTimeoutMs: settings.tuneIdleTimeoutMs,
    })
  const hosted = [...(live ?? [])].map(([kind, hosting]) => ({
    kind,
    sessions: parts.use(adapters.sessionHost.serve(kind, hosting)),
  }))
  const kinds = handlers.map(({ kind }) => kind)
  const offices = new Set<string>()
  const presence = createPresence({
    name,
    version: manifest.version,
    kinds,
    live: [...(live?.keys() ?? [])],
    slots: (slots + interactiveSlots) * runtimes.length,
    workers: concurrency,
    offices,
    runtimes,
    hosted: hosted.map(({ sessions }) => sessions),
    sandboxes: liveSandbox ? [sandbox, liveSandbox] : [sandbox],
    stop,
    // Two processes of one name are told apart by which started later.
    startedAt: new Date(adapters.clock.now()),
  })
  const announced = parts.use(adapters.registry.announce(presence))
  const reconciling = reconcile({ outbox: adapters.outbox, events, queue, jobOf: firstJob, log }, stop)
  const forwarding = adapters.retries.forward(stop)
  const { leaderElection, undeliverableJobs, deadLetters } = adapters
  const deadLettering = deadLetterUndeliverable(
    { leaderElection, undeliverableJobs, deadLetters, events, log },
    stop,
  )
  const mostOf = () => settings.accountRunning || Number.POSITIVE_INFINITY
  const { backlog, registry } = adapters
  const dispatching = kinds.map((kind) => {
    const onOffice = (isHeld: boolean) => {
      offices[isHeld ? 'add' : 'delete'](dispatcherName(kind))
      announced.renew()
    }
    return dispatch({ kind, leaderElection, backlog, registry, mostOf, onOffice, log }, stop)
  })
  log.info('ready', {
    kinds,
    scratch: scratch.paths,
    children: concurrency,
    live: [...(live?.keys() ?? [])],
    liveChildren: liveConcurrency,
    bounds: describeBounds(settings, launcher),
  })

  await waitForAbort(stop)
  announced.renew()
  const late = setTimeout(
    () => {
      log.warn('not drained in time', {
        held: [...runtimes, ...hosted.map(({ sessions }) => sessions)].reduce(
          (sum, { held }) => sum + held,
          0,
        ),
      })
      process.exit(0)
    },
    Math.max(settings.drainTimeoutMs, goodbyeMs),
  )
  const drainMs = Math.max(0, settings.drainTimeoutMs - goodbyeMs)
  await Promise.all([
    ...runtimes.map((runtime) => runtime.drain(drainMs)),
    // Whoever tunes goes on with another actor at once; whoever waits for a picture gets it.
    ...hosted.map(({ kind, sessions }) => sessions.drain(kind === 'preview' ? 0 : drainMs)),
  ])
  await Promise.all([reconciling, forwarding, deadLettering, ...dispatching])
  await parts.disposeAsync()
  clearTimeout(late)
}
