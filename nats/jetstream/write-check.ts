import { createNotifier } from '@pixelflow/core/notifier'
import { StorageFull, type Broker } from '../connection/broker.ts'
import { publish } from './jetstream.ts'
import { healthSubject } from '../topology/topology.ts'

export interface WriteState {
  readonly isOk: boolean
  /** How long ago a write was last seen to be committed, in milliseconds; undefined when none was yet. */
  readonly ageMs?: number
  /** Why writes do not succeed, and what to do. */
  readonly reason?: string
}

/** Proof that the store takes writes, made anew every two seconds, and shared by all who ask. */
export interface WriteCheck extends AsyncDisposable {
  readonly state: WriteState
  /** Resolves when the first write has ended in any way. */
  readonly begun: Promise<void>
}

/** How often something is written, in milliseconds. */
const everyMs = 2000
/** How long the broker may take to commit it. */
const timeoutMs = 3000
/** Older results do not count. */
const longestAgeMs = 10_000
/**
 * More than a block of any usual file system, so that each write needs space of its own: a small one still finds room
 * at the end of a file when the disk is full.
 */
const payload = new Uint8Array(8 * 1024)

/**
 * Writes a message to a stream that keeps one of each process. That alone does not tell of the other streams, which
 * nats-server gives up one by one when it cannot write them: what calls have met is looked at, too.
 */
export function createWriteCheck(name: string, broker: Broker, others: readonly Broker[]): WriteCheck {
  const all = [broker, ...others]
  const stopping = new AbortController()
  const begun = Promise.withResolvers<void>()
  let committedAt: number | undefined
  let failure: unknown
  const changed = createNotifier()
  const forgetting = all.map((one) => one.onReconnect(() => one.writeFailures.clear()))
  // What failed while the broker was away says nothing of it once it is back.
  forgetting.push(broker.onReconnect(() => changed.notify()))

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
      begun.resolve()
      await changed.wait({ signal: stopping.signal, timeoutMs: everyMs })
    }
  }
  const running = run()

  return {
    begun: begun.promise,
    get state() {
      const ageMs = committedAt === undefined ? undefined : Math.round(performance.now() - committedAt)
      const failing = [...new Set(all.flatMap((one) => one.writeFailures.failing))]
      const isProven = failure === undefined && ageMs !== undefined && ageMs < longestAgeMs
      if (isProven && failing.length === 0) return { isOk: true, ageMs }
      const what = isProven ? ` (${failing.join(', ')})` : ''
      const reason =
        failure instanceof StorageFull ? noRoom : `The store does not commit writes${what}. ${advice}`
      return { isOk: false, reason, ...(ageMs === undefined ? {} : { ageMs }) }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      for (const stop of forgetting) stop()
      await running
    },
  }
}

const noRoom = 'The store has no room left. Make room, or raise max_file_store of nats-server.'
const advice =
  'Look at the log of nats-server; when its disk is full, make room there, and restart nats-server unless that is done for you.'
