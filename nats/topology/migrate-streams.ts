import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { JetStreamError, streamNotFound } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { deleteStream } from '../jetstream/create-stream.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { streamInfo } from '../jetstream/stream-info.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'

/** A stream that versions before 0.2 created under another name. */
interface FormerStream {
  readonly name: string
  readonly subject: string
  /** Beginning of its subjects, and of those of the stream that replaces it. Absent when no message is kept. */
  readonly prefix?: readonly [former: string, present: string]
}

const formerStreams: readonly FormerStream[] = [
  { name: 'OFFICES', subject: 'offices.*' },
  { name: 'ACCEPTANCES', subject: 'accepted.*.*', prefix: ['accepted.', 'outbox.'] },
  { name: 'DEAD', subject: 'dead.*.*.*', prefix: ['dead.', 'dead_letters.'] },
  { name: 'KV_keys', subject: '$KV.keys.>', prefix: ['$KV.keys.', '$KV.idempotency.'] },
]

const batch = 500

/**
 * Copies the messages of streams that were renamed, and deletes these streams. JetStream cannot rename a stream. Processes
 * of the earlier version must have ended. Idempotent; any number of processes may run it at once.
 */
export async function migrateStreams(broker: Broker, log: Logger): Promise<void> {
  for (const former of formerStreams) {
    const copied = await retryUnreachable(() => migrate(broker, former), { timeoutMs: 60_000 })
    if (copied !== undefined) log.info('stream migrated', { stream: former.name, messages: copied })
  }
}

/** The number of messages copied; undefined when the stream does not exist. */
async function migrate(broker: Broker, { name, subject, prefix }: FormerStream): Promise<number | undefined> {
  try {
    const { config } = await streamInfo(broker, name)
    // Another program can use the same name.
    if (config.subjects?.length !== 1 || config.subjects[0] !== subject) return undefined
    const copied = prefix === undefined ? 0 : await copyMessages(broker, name, prefix)
    await deleteStream(broker, name)
    return copied
  } catch (thrown) {
    // Also when another process has deleted it meanwhile.
    if (thrown instanceof JetStreamError && thrown.code === streamNotFound) return undefined
    throw thrown
  }
}

async function copyMessages(
  broker: Broker,
  stream: string,
  [former, present]: readonly [string, string],
): Promise<number> {
  let copied = 0
  let seq = 1
  while (true) {
    const found = await readFrom(broker, stream, seq)
    await Promise.all(
      // On a conflict it was copied before, and was possibly changed since.
      found.map(({ subject, data }) => publishAfter(broker, present + subject.slice(former.length), 0, data)),
    )
    const last = found.at(-1)
    if (last === undefined) return copied
    copied += found.length
    seq = last.seq + 1
  }
}

/** The next messages. A replica that lags behind can answer with too few, so the leader confirms the end. */
async function readFrom(broker: Broker, stream: string, seq: number): Promise<readonly StoredMessage[]> {
  const found = await readBatch(broker, stream, { seq, batch })
  if (found.length > 0) return found
  const next = await readFromLeader(broker, stream, { seq, next_by_subj: '>' })
  return next === null ? [] : [next]
}
