import { nuid } from '@nats-io/nats-core'
import { packEvents, unpackEvents, type EventEntry } from '@pixelflow/core/event-entry'
import type { StoredEvent, TaskEvent } from '@pixelflow/core/event'
import { currentCode, Fault } from '@pixelflow/core/fault'
import { defaultLane } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Events } from '@pixelflow/core/ports/events'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { traceparentHeader } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { faultOf } from '../connection/fault-of.ts'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { readLast } from '../jetstream/read-last.ts'
import { inMessageSpan, tracingHeaders } from '../jetstream/message-span.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { eventSubject, writerHeader } from '../topology/subjects.ts'
import { streams, type Layout } from '../topology/streams.ts'

const page = 128

/** Appends to the event log with an expected sequence, and reads it without consumers. */
export function createEvents(
  broker: Broker,
  clock: Clock,
  { natsReplicas }: Pick<Layout, 'natsReplicas'>,
): Events {
  const writer = nuid.next()

  const append = async (event: TaskEvent, after: number, earlier: readonly TaskEvent[]) => {
    const { account, id } = event.task
    const subject = eventSubject(account, id)
    const body = encoder.encode(JSON.stringify(packEvents(earlier, event)))
    const headers = {
      [writerHeader]: writer,
      ...tracingHeaders(),
      ...(event.kind === 'deleted' ? { 'Nats-Rollup': 'sub' } : {}),
    }
    const seq = await publishAfter(broker, subject, after, body, { headers, timeoutMs: 3000 })
    return seq ?? findOwnAppend(subject, body, after)
  }

  /** The sequence of the same append from an earlier try whose answer was lost; null when there is none. */
  const findOwnAppend = async (subject: string, body: Uint8Array, after: number): Promise<number | null> => {
    const which = { seq: after + 1, next_by_subj: subject }
    const next = await readFromLeader(broker, streams.events, which)
    const isOurs = next?.header(writerHeader) === writer && Buffer.compare(next.data, body) === 0
    return isOurs ? next.seq : null
  }

  /** A replica may lag behind, so a replicated stream is read from its leader. */
  const newest = (subject: string): Promise<StoredMessage | null> =>
    natsReplicas === 1
      ? readLast(broker, streams.events, subject)
      : readFromLeader(broker, streams.events, { last_by_subj: subject })

  async function* history(subject: string, after: number): AsyncGenerator<StoredEvent> {
    let at = after
    const readPage = () => readBatch(broker, streams.events, { seq: at + 1, subject, batch: page })
    while (true) {
      const found = await retryUnreachable(readPage)
      for (const one of found) {
        at = one.seq
        yield* parseStoredEvents(one)
      }
      if (found.length === page) continue
      if (natsReplicas === 1) return
      const last = await retryUnreachable(() => newest(subject))
      if (last === null || last.seq <= at) return
      await pause(50)
    }
  }

  return {
    now: () => new Date(clock.now()),
    append: (event, after, earlier = []) =>
      inMessageSpan(
        'append event',
        event.task,
        () => ({ [attributeNames.events]: [...earlier, event].map(({ kind }) => kind).join(' ') }),
        () => retryWithFaults(() => append(event, after, earlier)),
      ),
    async last(account, task) {
      const last = await retryWithFaults(() => newest(eventSubject(account, task)))
      return last && parseStoredEvent(last)
    },
    async *history(account, task, after) {
      try {
        yield* history(eventSubject(account, task), after)
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

/** The last event of an entry. @throws Fault `incompatible_record` for an entry of an unknown version. */
export function parseStoredEvent(message: StoredMessage): StoredEvent {
  const { earlier: _, ...event } = parseEntry(message)
  const traceparent = message.header(traceparentHeader)
  return {
    seq: message.seq,
    storedAt: message.at,
    event,
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}

/** All events of an entry, oldest first. @throws Fault `incompatible_record` for an entry of an unknown version. */
export function parseStoredEvents(message: StoredMessage): StoredEvent[] {
  const { seq, at: storedAt } = message
  const events = unpackEvents(parseEntry(message))
  return events.map((event, part) => ({
    seq,
    ...(part === events.length - 1 ? {} : { part }),
    storedAt,
    event,
  }))
}

/**
 * Checks only the version: events are written by PixelFlow alone, and validating every snapshot against the full schema
 * would cost a follower more than all its other work.
 */
function parseEntry({ data }: StoredMessage): EventEntry {
  const entry = parseJson(data)
  if (entry?.version === 1 && typeof entry.task?.id === 'string') {
    entry.task.lane ??= defaultLane
    const { fault } = entry.task
    if (fault) entry.task.fault = { ...fault, code: currentCode(fault.code) }
    return entry as EventEntry
  }
  throw new Fault('incompatible_record', 'The event log contains an event of an unknown version.', {
    remedy: 'Start the newest version of PixelFlow that writes to this broker.',
  })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function parseJson(data: Uint8Array): Partial<EventEntry> | undefined {
  try {
    return JSON.parse(decoder.decode(data)) as Partial<EventEntry>
  } catch {
    return undefined
  }
}
