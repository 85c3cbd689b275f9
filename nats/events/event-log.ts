import type { StoredEvent } from '@pixelflow/core/event'
import type { EventLog } from '@pixelflow/core/ports/events'
import { faultOf, type Broker } from '../connection/broker.ts'
import { storedEvent } from './events.ts'
import { followStream } from './follow-stream.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader, streamInfo } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { liveEvents, streams } from '../topology/topology.ts'

/** The event log as something to be followed from its beginning, or from where one was. */
export function createEventLog(broker: Broker, log: Logger): EventLog {
  const position = async () => {
    const { created, state } = await streamInfo(broker, streams.events)
    // An empty log still remembers the sequence of what has expired, which nobody will ever see.
    return { log: created, last: state.messages === 0 ? 0 : state.last_seq, written: state.last_seq }
  }

  return {
    async *follow(after, signal) {
      const history = { stream: streams.events, live: liveEvents }
      try {
        for await (const one of followStream(broker, history, after, signal)) {
          const event = readable(one, log)
          if (event) yield event
          if (signal.aborted) return
        }
      } catch (thrown) {
        if (!signal.aborted) throw faultOf(thrown)
      }
    },
    async at(seq) {
      try {
        const found = await retryUnreachable(() => readFromLeader(broker, streams.events, { seq }))
        return found && storedEvent(found)
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
    async position() {
      try {
        return await retryUnreachable(position)
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

/** One entry that cannot be read must not keep everybody from all that follow. */
function readable(one: StoredMessage, log: Logger): StoredEvent | undefined {
  try {
    return storedEvent(one)
  } catch (error) {
    log.error('event passed over', { seq: one.seq, subject: one.subject, error })
    return undefined
  }
}
