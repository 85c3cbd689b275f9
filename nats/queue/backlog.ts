import type { AdmitResult, Backlog } from '@pixelflow/core/ports/backlog'
import { faultOf, JetStreamError, storeFailed, type Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/direct-get.ts'
import { followStream } from '../events/follow-stream.ts'
import { publish } from '../jetstream/publish.ts'
import { consumerInfo, readFromLeader, removeMessage, streamSubjects } from '../jetstream/jetstream-api.ts'
import {
  ackSubjects,
  admittedSubject,
  admittedSubjects,
  backlogConsumer,
  backlogSubjects,
  jobOfSubject,
  liveBacklog,
  streams,
  parseBacklogSubject,
  workConsumer,
} from '../topology/topology.ts'

/** What waits is a stream that any process can read; seqs are its sequences. */
export function createBacklog(broker: Broker): Backlog {
  /** Into the queue first: whoever dies in between leaves a job that the queue refuses, or that has nothing left to do. */
  const admit = async (seq: number): Promise<AdmitResult> => {
    const waiting = await readFromLeader(broker, streams.backlog, { seq: seq })
    if (waiting === null) return 'gone'
    try {
      await publish(broker, admittedSubject(waiting.subject), '', { timeoutMs: 3000 })
    } catch (thrown) {
      if (!(thrown instanceof JetStreamError) || thrown.code !== storeFailed) throw thrown
      if (!thrown.message.includes('per subject')) return 'full'
    }
    await removeMessage(broker, streams.backlog, seq)
    return 'admitted'
  }

  return {
    async *follow(kind, signal) {
      const backlog = { stream: streams.backlog, live: liveBacklog }
      try {
        for await (const { seq, subject } of followStream(broker, backlog, 0, signal)) {
          const { kind: its, account } = parseBacklogSubject(subject)
          if (its === kind) yield { account, seq: seq }
        }
      } catch (thrown) {
        if (!signal.aborted) throw faultOf(thrown)
      }
    },
    async admitted(kind) {
      const counts = new Map<string, number>()
      const { subjects } = await asFault(streamSubjects(broker, streams.jobs, admittedSubjects(kind), 0))
      for (const subject of subjects) {
        const { account = '' } = jobOfSubject(subject)
        counts.set(account, (counts.get(account) ?? 0) + 1)
      }
      return counts
    },
    admit: (seq) => asFault(admit(seq)),
    onJobSettled(kind, callback) {
      const subscriptions = ackSubjects(streams.jobs, workConsumer(kind, 'bulk')).map((subject) =>
        broker.nc.subscribe(subject, {
          callback: (error, msg) => {
            // Signs of life come the same way.
            if (!error && msg.string().startsWith('+ACK')) callback()
          },
        }),
      )
      return () => {
        for (const one of subscriptions) one.unsubscribe()
      }
    },
    async oldest(kind) {
      const [first] = await asFault(readBatch(broker, streams.backlog, { seq: 1, batch: 1 }))
      if (first === undefined) return null
      const isOfKind = parseBacklogSubject(first.subject).kind === kind
      // With a subject the broker looks at all there are, a second where hundreds of thousands wait.
      const which = { seq: first.seq, next_by_subj: backlogSubjects(kind) }
      const found = isOfKind ? first : await asFault(readFromLeader(broker, streams.backlog, which))
      return found && { seq: found.seq, since: found.at }
    },
    async count(kind) {
      const { num_pending } = await asFault(consumerInfo(broker, streams.backlog, backlogConsumer(kind)))
      return num_pending
    },
  }
}

async function asFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
