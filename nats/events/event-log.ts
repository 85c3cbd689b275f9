import type { StoredEvent } from '@pixelflow/core/event'
import type { EventLog } from '@pixelflow/core/ports/events'
import { faultOf } from '../connection/fault-of.ts'
import type { Broker } from '../connection/broker.ts'
import { parseStoredEvent, parseStoredEvents } from './events.ts'
import { followStream } from './follow-stream.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { liveEvents } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

/** The event log as a stream, followed from its beginning or from a sequence. */
export function createEventLog(broker: Broker, log: Logger): EventLog {
  const readHead = async () => {
    const { created, state } = await readStreamInfo(broker, streams.events)
    // `last_seq` of an empty stream is the sequence of an expired event, which no reader can get.
    return { logId: created, last: state.messages === 0 ? 0 : state.last_seq, written: state.last_seq }
  }

  return {
    async *follow(after, signal) {
      const history = { stream: streams.events, republished: liveEvents }
      try {
        for await (const one of followStream(broker, history, after, signal)) {
          const events = tryParse(one, log)
          if (events) yield events
          if (signal.aborted) return
        }
      } catch (thrown) {
        if (!signal.aborted) throw faultOf(thrown)
      }
    },
    async at(seq) {
      const found = await retryWithFaults(() => readFromLeader(broker, streams.events, { seq }))
      return found && parseStoredEvent(found)
    },
    readHead: () => retryWithFaults(readHead),
  }
}

/** An incompatible event must not block those that follow. */
function tryParse(one: StoredMessage, log: Logger): StoredEvent[] | undefined {
  try {
    return parseStoredEvents(one)
  } catch (error) {
    log.error('incompatible event skipped', { seq: one.seq, subject: one.subject, error })
    return undefined
  }
}
