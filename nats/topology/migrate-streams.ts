import { Fault } from '@pixelflow/core/fault'
import { retry } from '@pixelflow/core/retry'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { JetStreamError, streamNotFound } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { deleteStream } from '../jetstream/create-stream.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { leaderTime, readStreamInfo } from '../jetstream/read-stream-info.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import type { StreamInfo } from '@nats-io/jetstream'
import type { StoredMessage } from '../jetstream/stored-message.ts'

/** A stream that versions before 0.2 created under another name. */
interface FormerStream {
  readonly name: string
  readonly subject: string
  /** Beginning of its subjects, and of those of the stream that replaces it. Absent when no message is kept. */
  readonly prefix?: readonly [former: string, present: string]
}

/** Leaders of the earlier version renew their leases here every 300 ms. */
const formerLeaders: FormerStream = { name: 'OFFICES', subject: 'offices.*' }

const formerStreams: readonly FormerStream[] = [
  formerLeaders,
  // Tasks without a job are found in the event log.
  { name: 'ACCEPTANCES', subject: 'accepted.*.*' },
  { name: 'OUTBOX', subject: 'outbox.*.*' },
  { name: 'DEAD', subject: 'dead.*.*.*', prefix: ['dead.', 'dead_letters.'] },
  { name: 'KV_keys', subject: '$KV.keys.>', prefix: ['$KV.keys.', '$KV.idempotency.'] },
]

const batch = 500
/** Silence of the former leaders after which no process of the earlier version runs. */
const silenceMs = 2000

/**
 * Copies the messages of streams that were renamed, and deletes these streams. JetStream cannot rename a stream.
 * Idempotent; any number of processes may run it at once.
 * @throws Fault `unavailable` while a process of the earlier version runs: what it writes after the copy would be lost.
 */
export async function migrateStreams(broker: Broker, log: Logger): Promise<void> {
  await retry(() => requireNoFormerProcess(broker), { timeoutMs: 5000, pauseMs: () => 500 })
  for (const former of formerStreams) {
    const copied = await retryUnreachable(() => migrate(broker, former), { timeoutMs: 60_000 })
    if (copied !== undefined) log.info('stream migrated', { stream: former.name, messages: copied })
  }
}

async function requireNoFormerProcess(broker: Broker): Promise<void> {
  const info = await retryUnreachable(() => findStream(broker, formerLeaders))
  if (info === undefined || info.state.messages === 0) return
  if (leaderTime(info) - Date.parse(info.state.last_ts) > silenceMs) return
  throw new Fault('unavailable', 'A process of version 0.1 of PixelFlow is connected to this broker.', {
    remedy: 'Stop all processes of that version, then start this one: it takes over what they have stored.',
  })
}

/** Undefined when the stream does not exist, or belongs to another program that uses the same name. */
async function findStream(broker: Broker, { name, subject }: FormerStream): Promise<StreamInfo | undefined> {
  try {
    const info = await readStreamInfo(broker, name)
    const { subjects } = info.config
    return subjects?.length === 1 && subjects[0] === subject ? info : undefined
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === streamNotFound) return undefined
    throw thrown
  }
}

/** The number of messages copied; undefined when the stream does not exist. */
async function migrate(broker: Broker, former: FormerStream): Promise<number | undefined> {
  const { name, prefix } = former
  if ((await findStream(broker, former)) === undefined) return undefined
  try {
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
