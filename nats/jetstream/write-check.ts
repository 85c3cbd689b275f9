import { createNotifier } from '@pixelflow/core/notifier'
import { msUntilTick } from '@pixelflow/platform/ticks'
import { StorageFull } from '../connection/unreachable.ts'
import type { Broker } from '../connection/broker.ts'
import { publish } from './publish.ts'
import { healthSubject } from '../topology/subjects.ts'

export interface WriteState {
  readonly isOk: boolean
  /** Age of the last committed write, in milliseconds; undefined before the first. */
  readonly ageMs?: number
  /** Why writes fail, and what to do. */
  readonly reason?: string
}

/** Checks every two seconds that the store commits writes. */
export interface WriteCheck extends AsyncDisposable {
  readonly state: WriteState
  /** Resolves when the first write has succeeded or failed. */
  readonly firstWrite: Promise<void>
}

/** Interval of the writes, in milliseconds. */
const everyMs = 2000
/** Timeout of one write, in milliseconds. */
const timeoutMs = 3000
/** Age up to which a commit proves that the store works, in milliseconds. */
const maxAgeMs = 10_000
/**
 * Larger than a block of common file systems, so that each write needs new space: a small message still fits into the last
 * block of a file when the disk is full.
 */
const payload = new Uint8Array(8 * 1024)

/**
 * Writes to a stream that keeps one message of each process. The other streams may still be broken, because nats-server
 * gives up streams one by one when it cannot write them; so the failures of ordinary writes count as well.
 */
export function createWriteCheck(name: string, broker: Broker, others: readonly Broker[]): WriteCheck {
  const all = [broker, ...others]
  const stopping = new AbortController()
  const firstWrite = Promise.withResolvers<void>()
  let committedAt: number | undefined
  let failure: unknown
  const changed = createNotifier()
  const subscriptions = all.map((one) => one.onReconnect(() => one.writeFailures.clear()))
  // Failures from before a reconnect do not describe the broker after it.
  subscriptions.push(broker.onReconnect(() => changed.notify()))

  const run = async () => {
    while (!stopping.signal.aborted) {
      try {
        if (broker.isConnected) {
          await publish(broker, healthSubject(name), payload, { timeoutMs })
          committedAt = performance.now()
          failure = undefined
        }
      } catch (thrown) {
        failure = thrown
      }
      firstWrite.resolve()
      await changed.wait({ signal: stopping.signal, timeoutMs: msUntilTick(everyMs) })
    }
  }
  const running = run()

  return {
    firstWrite: firstWrite.promise,
    get state() {
      const ageMs = committedAt === undefined ? undefined : Math.round(performance.now() - committedAt)
      const failing = [...new Set(all.flatMap((one) => one.writeFailures.failing))]
      const isCommitting = failure === undefined && ageMs !== undefined && ageMs < maxAgeMs
      if (isCommitting && failing.length === 0) return { isOk: true, ageMs }
      const what = isCommitting ? ` (${failing.join(', ')})` : ''
      const reason =
        failure instanceof StorageFull ? storageFull : `The store does not commit writes${what}. ${advice}`
      return { isOk: false, reason, ...(ageMs === undefined ? {} : { ageMs }) }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      for (const stop of subscriptions) stop()
      await running
    },
  }
}

const storageFull = 'The store is full. Free disk space, or raise max_file_store of nats-server.'
const advice =
  'Check the log of nats-server. If its disk is full, free space and restart nats-server, unless a supervisor does.'
