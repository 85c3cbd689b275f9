import { JetStreamError, noMessage } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { callApi } from './call-api.ts'
import type { StoredMessage } from './stored-message.ts'

/** Selects the last message of a subject, or the message of a sequence, or the next one of a subject from there on. */
type MessageSelector = { last_by_subj: string } | { seq: number; next_by_subj?: string }

/** Reads one message from the stream's leader: never stale, but slower than a direct get. */
export async function readFromLeader(
  broker: Broker,
  stream: string,
  selector: MessageSelector,
): Promise<StoredMessage | null> {
  try {
    const message = await callApi(broker, `stream ${stream}`, (manager) =>
      manager.streams.getMessage(stream, selector),
    )
    if (message === null) return null
    const { seq, subject, time: at, data, header } = message
    return { seq, subject, at, data, chunks: [data], header: (name) => header.get(name) || undefined }
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === noMessage) return null
    throw thrown
  }
}
