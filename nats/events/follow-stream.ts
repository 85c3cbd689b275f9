import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { msUntilTick } from '@pixelflow/platform/ticks'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { openLiveFeed } from './live-feed.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'

/** A stream whose messages the broker republishes after storing them. */
export interface RepublishedStream {
  readonly stream: string
  /** The subjects of the republished messages. */
  readonly republished: string
}

const page = 256
const idleMs = 2000
const lagMs = 20
const maxLagMs = 2000
/** A newly elected leader may not have applied all messages of its predecessor yet. */
const electionMs = 500
const maxChecks = 4

/**
 * Follows a whole stream above a sequence, each message once and in order, until `signal` aborts. New messages come as the
 * broker republishes them, without a consumer. A gap in their sequences is filled from the stream: at the beginning, after
 * a disconnect, when this reader was slower than its buffer, and every two seconds while nothing comes. Messages that were removed before
 * they could be read are skipped.
 * @throws Fault `precondition_failed` when the stream was recreated or restored from a backup: sequences have a new meaning
 * from then on.
 */
export async function* followStream(
  broker: Broker,
  { stream, republished }: RepublishedStream,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StoredMessage> {
  const describeStream = () =>
    retryUnreachable(() => readStreamInfo(broker, stream), { timeoutMs: Infinity, signal })
  const entryAt = (seq: number) =>
    retryUnreachable(() => readFromLeader(broker, stream, { seq }), { timeoutMs: Infinity, signal })

  const { created: createdBefore } = await describeStream()
  let latest: StoredMessage | undefined
  /**
   * The last sequence of the stream; undefined when it is not the same stream any more. A restored stream has the same creation
   * time, but ends earlier or has another message at our position.
   */
  const checkStream = async (wasDisconnected: boolean): Promise<number | undefined> => {
    let last: number
    for (let checks = 1; ; checks += 1) {
      const { created, state } = await describeStream()
      if (created !== createdBefore) return undefined
      last = state.last_seq
      if (last >= (latest?.seq ?? 0)) break
      if (checks === maxChecks || signal.aborted) return undefined
      await pause(electionMs, signal)
    }
    const stored = wasDisconnected && latest ? await entryAt(latest.seq) : null
    const isSame = stored === null || stored.at.getTime() === latest?.at.getTime()
    return isSame ? last : undefined
  }
  let checkedAt = performance.now()
  let laggedMs = 0
  using live = openLiveFeed(broker, republished, signal)

  /** The messages of the stream above `from`, up to its end. */
  async function* readStored(from: number): AsyncGenerator<StoredMessage> {
    for (let at = from; !signal.aborted;) {
      const readPage = () => readBatch(broker, stream, { seq: at + 1, batch: page })
      const found = await retryUnreachable(readPage, { timeoutMs: Infinity, signal })
      // The stream may have been replaced while it was read.
      if (live.isDisconnected && (await checkStream(true)) === undefined) throw recreated(stream)
      yield* found
      const last = found.at(-1)
      if (last === undefined) return
      at = last.seq
    }
  }

  for (let at = after; ;) {
    const before = at
    for await (const one of readStored(at)) {
      at = one.seq
      latest = one
      yield one
    }
    laggedMs = at === before ? laggedMs + lagMs : 0
    while (true) {
      const next = await live.next(at, msUntilTick(idleMs))
      if (signal.aborted) return
      const sinceCheckMs = performance.now() - checkedAt
      if (sinceCheckMs > idleMs || next === 'idle' || next === 'disconnected') {
        // The broker's storage can only be replaced while it is down.
        const last = await checkStream(next === 'disconnected')
        if (last === undefined) throw recreated(stream)
        checkedAt = performance.now()
        // Nothing was missed.
        if (next === 'idle' && last <= at) continue
      }
      if (typeof next === 'string') {
        // Republished, but not found in the stream: the replica lags, or the message was removed.
        if (next === 'gap' && laggedMs > 0) await pause(lagMs, signal)
        if (laggedMs > maxLagMs) live.clear()
        break
      }
      at = next.seq
      latest = next
      laggedMs = 0
      yield next
    }
  }
}

function recreated(stream: string): Fault {
  return new Fault('precondition_failed', `The stream ${stream} was recreated or restored from a backup.`, {
    remedy: 'Discard everything read from it and follow it from 0.',
  })
}
