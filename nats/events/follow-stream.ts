import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/direct-get.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { openLiveFeed } from './live-feed.ts'
import { readFromLeader, streamInfo } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'

/** A stream whose messages the broker repeats right after storing them. */
export interface Followed {
  readonly stream: string
  /** Subjects where they are repeated. */
  readonly live: string
}

const page = 256
const quietMs = 2000
const lagMs = 20
const longestLagMs = 2000
/** A leader that was elected a moment ago may not have taken in yet all that the one before it had told. */
const electionMs = 500
const mostLooks = 4

/**
 * Follows a whole stream above a sequence, each message once and in order, until `signal` aborts. New ones come as the
 * broker repeats them, which needs no consumer. Their sequence tells whether one is missing, and whatever is missing is
 * read from the stream itself: at the beginning, after a break, when this reader was slower than its small buffer, and
 * after two quiet seconds. What was removed before it could be read is passed over.
 * @throws Fault `precondition_failed` when the stream is made anew meanwhile, or set back to a copy of before: sequences
 * mean something else from then on.
 */
export async function* followStream(
  broker: Broker,
  { stream, live: subject }: Followed,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StoredMessage> {
  const described = () => retryUnreachable(() => streamInfo(broker, stream), { timeoutMs: Infinity, signal })
  const entryAt = (seq: number) =>
    retryUnreachable(() => readFromLeader(broker, stream, { seq }), { timeoutMs: Infinity, signal })

  const { created: made } = await described()
  let latest: StoredMessage | undefined
  /** A copy of before has the same identity: it ends too early, or holds something else where we are. */
  const isSame = async (wasAway: boolean): Promise<boolean> => {
    for (let looks = 1; ; looks += 1) {
      const { created, state } = await described()
      if (created !== made) return false
      if (state.last_seq >= (latest?.seq ?? 0)) break
      if (looks === mostLooks || signal.aborted) return false
      await pause(electionMs, signal)
    }
    const there = wasAway && latest ? await entryAt(latest.seq) : null
    return there === null || there.at.getTime() === latest?.at.getTime()
  }
  let checkedAt = performance.now()
  let laggedMs = 0
  using live = openLiveFeed(broker, subject, signal)

  /** What the stream holds above `from`, to its end. */
  async function* stored(from: number): AsyncGenerator<StoredMessage> {
    for (let at = from; !signal.aborted;) {
      const readPage = () => readBatch(broker, stream, { seq: at + 1, batch: page })
      const found = await retryUnreachable(readPage, { timeoutMs: Infinity, signal })
      // While this was asked for, too, another store may have come.
      if (live.isBroken && !(await isSame(true))) throw madeAnew(stream)
      yield* found
      const last = found.at(-1)
      if (last === undefined) return
      at = last.seq
    }
  }

  for (let at = after; ;) {
    const before = at
    for await (const one of stored(at)) {
      at = one.seq
      latest = one
      yield one
    }
    laggedMs = at === before ? laggedMs + lagMs : 0
    for (;;) {
      const next = await live.next(at, quietMs)
      if (signal.aborted) return
      const sinceCheckMs = performance.now() - checkedAt
      if (sinceCheckMs > quietMs || next === 'broken') {
        // Only while the broker was away could it have got another store.
        if (!(await isSame(next === 'broken'))) throw madeAnew(stream)
        checkedAt = performance.now()
      }
      if (typeof next === 'string') {
        // Heard of, and yet not in the stream: the replica that was asked lags, or the message has gone again.
        if (next === 'gap' && laggedMs > 0) await pause(lagMs, signal)
        if (laggedMs > longestLagMs) live.clear()
        break
      }
      at = next.seq
      latest = next
      laggedMs = 0
      yield next
    }
  }
}

function madeAnew(stream: string): Fault {
  return new Fault('precondition_failed', `The stream ${stream} was made anew, or set back.`, {
    remedy: 'Forget what was learnt from the old one and follow from 0.',
  })
}
