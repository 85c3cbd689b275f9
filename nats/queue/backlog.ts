import type { AdmitResult, Backlog } from '@pixelflow/core/ports/backlog'
import { faultOf } from '../connection/fault-of.ts'
import { isStoreFailure } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { followStream } from '../events/follow-stream.ts'
import { withFaults } from '../connection/with-faults.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { removeMessage } from '../jetstream/remove-message.ts'
import { readStreamSubjects } from '../jetstream/read-stream-info.ts'
import {
  ackSubjects,
  admittedSubject,
  admittedSubjects,
  backlogSubjects,
  jobOfSubject,
  liveBacklog,
  parseBacklogSubject,
} from '../topology/subjects.ts'
import { backlogConsumer, workConsumer } from '../topology/consumers.ts'
import { streams } from '../topology/streams.ts'

/** The backlog as a stream that every process can read. */
export function createBacklog(broker: Broker): Backlog {
  /** Queues first: a process that dies in between leaves a job that is refused as a duplicate, or has nothing to do. */
  const admit = async (seq: number): Promise<AdmitResult> => {
    const waiting = await readFromLeader(broker, streams.backlog, { seq })
    if (waiting === null) return 'gone'
    try {
      await publishAfter(broker, admittedSubject(waiting.subject), 0, waiting.data, { timeoutMs: 3000 })
    } catch (thrown) {
      // A job that the queue already has is a conflict of `publishAfter`, so the queue is full.
      if (isStoreFailure(thrown)) return 'full'
      throw thrown
    }
    await removeMessage(broker, streams.backlog, seq)
    return 'admitted'
  }

  return {
    async *follow(kind, signal) {
      const backlog = { stream: streams.backlog, republished: liveBacklog }
      try {
        for await (const { seq, subject } of followStream(broker, backlog, 0, signal)) {
          const { kind: ofKind, account } = parseBacklogSubject(subject)
          if (ofKind === kind) yield { account, seq }
        }
      } catch (thrown) {
        if (!signal.aborted) throw faultOf(thrown)
      }
    },
    async admitted(kind) {
      const counts = new Map<string, number>()
      const { subjects } = await withFaults(
        readStreamSubjects(broker, streams.jobs, admittedSubjects(kind), 0),
      )
      for (const subject of subjects) {
        const { account = '' } = jobOfSubject(subject)
        counts.set(account, (counts.get(account) ?? 0) + 1)
      }
      return counts
    },
    admit: (seq) => withFaults(admit(seq)),
    onJobSettled(kind, callback) {
      const subscriptions = ackSubjects(streams.jobs, workConsumer(kind, 'bulk')).map((subject) =>
        broker.nc.subscribe(subject, {
          callback: (error, msg) => {
            // Other verbs, such as `+WPI`, use the same subjects.
            if (!error && msg.string().startsWith('+ACK')) callback()
          },
        }),
      )
      return () => {
        for (const one of subscriptions) one.unsubscribe()
      }
    },
    async oldest(kind) {
      const [first] = await withFaults(readBatch(broker, streams.backlog, { seq: 1, batch: 1 }))
      if (first === undefined) return null
      const isOfKind = parseBacklogSubject(first.subject).kind === kind
      // With a subject filter the broker scans the stream: a second for hundreds of thousands of entries.
      const which = { seq: first.seq, next_by_subj: backlogSubjects(kind) }
      const found = isOfKind ? first : await withFaults(readFromLeader(broker, streams.backlog, which))
      return found && { seq: found.seq, since: found.at }
    },
    async count(kind) {
      const { num_pending } = await withFaults(
        readConsumerInfo(broker, streams.backlog, backlogConsumer(kind)),
      )
      return num_pending
    },
  }
}
