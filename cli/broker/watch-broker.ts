import { statfs } from 'node:fs/promises'
import { pause } from '@pixelflow/core/pause'
import { connect } from '@pixelflow/nats/connection/connect'
import { brokenStreams } from '@pixelflow/nats/connection/broken-streams'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface BrokerWatchOptions {
  readonly url: string
  /** A user of its system account. */
  readonly user: string
  readonly password: string
  /** Where it keeps its streams. */
  readonly store: string
  /** Restarts it, without waiting for the restart. */
  readonly restart: () => void
  readonly log: Logger
}

/** How often it is asked, in milliseconds. */
const everyMs = 5000
/** Free bytes on the disk below which a restart would help only for a moment. */
const leastFreeBytes = 32 * 2 ** 20
/** Between two restarts: one that does not help is no reason to have no broker at all. */
const restartEveryMs = 60_000

/**
 * Restarts our nats-server when it has given up streams that it could not write and the disk has free space again: it does not
 * return to them otherwise. Resolves when the signal aborts.
 */
export async function watchBroker(options: BrokerWatchOptions, signal: AbortSignal): Promise<void> {
  const { url, user, password, store, restart, log } = options
  await using stack = new AsyncDisposableStack()
  const settings = { natsUrl: [url], natsUser: user, natsPassword: password, natsCredsFile: undefined }
  // Processes that use it for more than this log that it is away.
  const broker = stack.use(await connect({ settings, name: 'up', log: quieter(log) }))
  let seen = 0
  let restartedAt = -Infinity
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (signal.aborted) return
    // One that is away is started again by its supervisor.
    const broken = await brokenStreams(broker).catch(() => [])
    seen = broken.length === 0 ? 0 : seen + 1
    // The first may be a moment of its start.
    if (seen < 2) continue
    const freeBytes = await freeOn(store)
    if (freeBytes < leastFreeBytes) {
      if (seen === 2) log.error('disk full; nats-server needs free space', { store, freeBytes, broken })
      continue
    }
    if (performance.now() - restartedAt < restartEveryMs) continue
    log.warn('nats-server restarted; it had given up streams that it could not write', { broken })
    restartedAt = performance.now()
    seen = 0
    restart()
  }
}

/** Bytes that are free for us on the disk of a folder. */
async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function quieter(log: Logger): Logger {
  return { ...log, warn: log.debug, info: log.debug }
}
