import { pause } from '@pixelflow/core/pause'
import type { Broker } from '../../connection/broker.ts'
import { readBatch } from '../../jetstream/read-batch.ts'
import type { StoredMessage } from '../../jetstream/stored-message.ts'
import { readStreamSubjects } from '../../jetstream/read-stream-info.ts'
import { retryUnreachable } from '../../jetstream/retry-unreachable.ts'

const page = 256
/** Pause between pages, so that a sweep does not slow down calls. */
const pagePauseMs = 5

/** The messages of these subjects, in pages. @throws the signal's reason. */
export async function* listMessages(
  broker: Broker,
  stream: string,
  subject: string,
  signal: AbortSignal,
): AsyncGenerator<StoredMessage> {
  for (let after = 0; ;) {
    const found = await retryUnreachable(
      () => readBatch(broker, stream, { seq: after + 1, subject, batch: page }),
      {
        signal,
      },
    )
    signal.throwIfAborted()
    yield* found
    const last = found.at(-1)
    if (last === undefined || found.length < page) return
    after = last.seq
    await pause(pagePauseMs, signal)
  }
}

/** The subjects that have messages. Some may be missed when subjects change meanwhile. */
export async function* listSubjects(
  broker: Broker,
  stream: string,
  filter: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (let offset = 0; ;) {
    const { subjects, total } = await retryUnreachable(
      () => readStreamSubjects(broker, stream, filter, offset),
      {
        signal,
      },
    )
    signal.throwIfAborted()
    yield* subjects
    offset += subjects.length
    if (subjects.length === 0 || offset >= total) return
  }
}
