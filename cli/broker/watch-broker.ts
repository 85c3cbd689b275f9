import { statfs } from 'node:fs/promises'
import { pause } from '@pixelflow/core/pause'
import { connect } from '@pixelflow/nats/connection/connect'
import { brokenStreams } from '@pixelflow/nats/connection/broken-streams'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { msUntilTick } from '@pixelflow/platform/ticks'

export interface BrokerWatchOptions {
  readonly url: string
  /** A user of the system account. */
  readonly user: string
  readonly password: string
  /** Folder of the streams. */
  readonly store: string
  /** Begins a restart of nats-server. */
  readonly restart: () => void
  readonly log: Logger
}

/** Interval of the health checks, in milliseconds. */
const checkMs = 5000
/** With less free disk space, a restart would help only for a moment. */
const minFreeBytes = 32 * 2 ** 20
/** Minimum time between two restarts, so that useless restarts do not make the broker unavailable. */
const restartIntervalMs = 60_000

/**
 * Restarts nats-server when it has stopped serving streams after a failed write and the disk has space again: without a
 * restart, it does not serve them again. Resolves when the signal aborts.
 */
export async function watchBroker(options: BrokerWatchOptions, signal: AbortSignal): Promise<void> {
  const { url, user, password, store, restart, log } = options
  await using stack = new AsyncDisposableStack()
  const settings = { natsUrl: [url], natsUser: user, natsPassword: password, natsCredsFile: undefined }
  // The other processes log when the connection is lost.
  const broker = stack.use(await connect({ settings, name: 'up', log: toDebug(log) }))
  let unhealthyChecks = 0
  let restartedAt = -Infinity
  while (!signal.aborted) {
    await pause(msUntilTick(checkMs), signal)
    if (signal.aborted) return
    // The supervisor restarts a nats-server that has exited.
    const broken = await brokenStreams(broker).catch(() => [])
    unhealthyChecks = broken.length === 0 ? 0 : unhealthyChecks + 1
    // Streams may be unhealthy for a moment after a start.
    if (unhealthyChecks < 2) continue
    const freeBytes = await readFreeBytes(store)
    if (freeBytes < minFreeBytes) {
      if (unhealthyChecks === 2)
        log.error('disk full; nats-server needs free space', { store, freeBytes, broken })
      continue
    }
    if (performance.now() - restartedAt < restartIntervalMs) continue
    log.warn('nats-server restarted; it had given up streams that it could not write', { broken })
    restartedAt = performance.now()
    unhealthyChecks = 0
    restart()
  }
}

/** Free bytes on the disk of a folder, for this user. */
async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function toDebug(log: Logger): Logger {
  return { ...log, warn: log.debug, info: log.debug }
}
