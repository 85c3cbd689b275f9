import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { EventLog } from '@pixelflow/core/ports/events'
import { faultOf, type Broker } from './broker.ts'
import { batchOf } from './direct.ts'
import { storedEvent } from './events.ts'
import type { Stored } from './jetstream.ts'
import { streamInfo } from './manage.ts'
import { listenLive } from './live.ts'
import { patiently } from './patience.ts'
import type { Log } from './telemetry/log.ts'
import { liveEvents, streams } from './topology.ts'

const page = 256
const quietMs = 2000
const lagMs = 20
const longestLagMs = 2000

/**
 * Follows the whole log. New events come as the broker repeats them right after storing them, which needs no
 * consumer. Their sequence tells whether one is missing, and whatever is missing is read from the log itself: at the
 * beginning, after a break, when this reader was slower than its small buffer, and after two quiet seconds.
 */
export function createEventLog(broker: Broker, log: Log): EventLog {
  const position = async () => {
    const { created, state } = await streamInfo(broker, streams.events)
    // An empty log still remembers the sequence of what has expired, which nobody will ever see.
    return { log: created, last: state.messages === 0 ? 0 : state.last_seq, written: state.last_seq }
  }

  /** What the log holds above `after`, to its end. */
  async function* stored(after: number, signal: AbortSignal): AsyncGenerator<Stored> {
    for (let at = after; !signal.aborted;) {
      const readPage = () => batchOf(broker, streams.events, { seq: at + 1, batch: page })
      const found = await patiently(readPage, { forMs: Infinity, signal })
      yield* found
      const last = found.at(-1)
      if (last === undefined) return
      at = last.seq
    }
  }

  async function* follow(after: number, signal: AbortSignal): AsyncGenerator<Stored> {
    const identity = () => patiently(position, { forMs: Infinity, signal })
    const { log: made } = await identity()
    let checkedAt = performance.now()
    let laggedMs = 0
    using live = listenLive(broker, liveEvents, signal)
    for (let at = after; ;) {
      const before = at
      for await (const one of stored(at, signal)) {
        at = one.seq
        yield one
      }
      laggedMs = at === before ? laggedMs + lagMs : 0
      for (;;) {
        const next = await live.next(at, quietMs)
        if (signal.aborted) return
        const sinceCheckMs = performance.now() - checkedAt
        if (sinceCheckMs > quietMs || next === 'broken') {
          if ((await identity()).log !== made) throw madeAnew()
          checkedAt = performance.now()
        }
        if (typeof next === 'string') {
          // Heard of, and yet not in the log: the replica that was asked lags, or the entry has gone again.
          if (next === 'gap' && laggedMs > 0) await pause(lagMs, signal)
          if (laggedMs > longestLagMs) live.clear()
          break
        }
        at = next.seq
        laggedMs = 0
        yield next
      }
    }
  }

  return {
    async *follow(after, signal) {
      try {
        for await (const one of follow(after, signal)) {
          const event = readable(one, log)
          if (event) yield event
          if (signal.aborted) return
        }
      } catch (thrown) {
        if (!signal.aborted) throw faultOf(thrown)
      }
    },
    async position() {
      try {
        return await patiently(position)
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

/** One entry that cannot be read must not keep everybody from all that follow. */
function readable(one: Stored, log: Log): StoredEvent | undefined {
  try {
    return storedEvent(one)
  } catch (error) {
    log.error('event passed over', { seq: one.seq, subject: one.subject, error })
    return undefined
  }
}

function madeAnew(): Fault {
  return new Fault('precondition_failed', 'The event log was made anew.', {
    remedy: 'Forget what was folded from the old one and follow from 0.',
  })
}
