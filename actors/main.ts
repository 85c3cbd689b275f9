import { hostname } from 'node:os'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { blobsWithCache } from '@pixelflow/platform/shared-cache/blobs-with-cache'
import { openSharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import { createSharedFileFinder } from '@pixelflow/platform/shared-files/shared-file-finder'
import { readSettings, type Values } from '@pixelflow/platform/config/read-settings'
import { runService, waitForAbort } from '@pixelflow/platform/run-service'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { actorSettings } from './config.ts'
import { version } from './package.json'
import { drain } from './drain.ts'
import { announceActor } from './composition/announce-actor.ts'
import { openSandboxes } from './composition/open-sandboxes.ts'
import { removeAtExit } from './composition/remove-at-exit.ts'
import { runActorBackgroundJobs } from './composition/run-actor-background-jobs.ts'
import { serveSessions } from './composition/serve-sessions.ts'
import { startRuntimes } from './composition/start-runtimes.ts'
import { describeBounds, workerLauncherFor } from './sandbox/sandbox-options.ts'
import { openScratch } from './sandbox/scratch.ts'

/** One actor process: takes jobs from the queue and live sessions, and runs them in worker processes. */

const table = { ...natsSettings, ...logSettings, ...traceSettings, ...actorSettings }
type Settings = Values<typeof table>

await runService({ name: 'actors', version, table, read: () => readSettings(table, process.env), run })

/** The composition root: every part of an actor, in the order in which they open; they close in reverse. */
async function run(settings: Settings, log: Logger, stop: AbortSignal): Promise<void> {
  await using scope = new AsyncDisposableStack()
  const scratch = scope.use(await openScratch(settings.scratchDir))
  removeAtExit(scratch.paths)
  const sharedCache = scope.use(await openSharedCache(settings))
  const launcher = workerLauncherFor(settings)
  const sandboxes = scope.use(openSandboxes(settings, launcher, scratch.large, log))
  const opening = Promise.all([openAdapters({ settings, name: 'actor', log }), sandboxes.ready()])
  const stopped = waitForAbort(stop).then(() => Promise.reject(stop.reason))
  const [adapters] = await Promise.race([opening, stopped])
  scope.use(adapters)

  const name = `${hostname()}.${process.pid}`
  const { concurrency: workers, liveConcurrency: liveWorkers, drainTimeoutMs } = settings
  const { images, sources, sessionHost } = adapters
  const results = blobsWithCache(adapters.results, sharedCache)
  const sharedFiles = createSharedFileFinder(settings.sharedCacheDir)
  const context = { images, sources, results, sharedCache, sharedFiles, scratch, settings, log }
  const runtimes = startRuntimes(adapters, { ...context, sandbox: sandboxes.queued }, name)
  const sessions = scope.use(serveSessions(sessionHost, context, sandboxes.live))
  const announcement = scope.use(
    announceActor({ adapters, name, workers, runtimes, sessions, sandboxes, stop }),
  )
  const { kinds } = runtimes
  const backgroundJobs = runActorBackgroundJobs({ adapters, kinds, announcement, settings, log }, stop)
  // `./pixelflow up` waits for an entry with the field `ready`.
  log.info('ready', {
    ready: true,
    kinds,
    scratch: scratch.paths,
    workers,
    live: sessions.kinds.map(({ kind }) => kind),
    liveWorkers,
    bounds: describeBounds(settings, launcher),
  })

  await waitForAbort(stop)
  announcement.renew()
  await drain(
    { runtimes: runtimes.all, hosted: sessions.kinds, timeoutMs: drainTimeoutMs, log },
    async () => {
      await backgroundJobs
      await scope.disposeAsync()
    },
  )
}
