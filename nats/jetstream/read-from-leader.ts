import { assertSuccess, JetStreamError, noMessage, type ApiAnswer } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { parseHeaders } from '../connection/wire/parse-headers.ts'
import type { StoredMessage } from './stored-message.ts'

/** Selects the last message of a subject, or the message of a sequence, or the next one of a subject from there on. */
type MessageSelector = { last_by_subj: string } | { seq: number; next_by_subj?: string }

interface MessageAnswer extends ApiAnswer {
  readonly message: {
    readonly subject: string
    readonly seq: number
    readonly time: string
    /** The header block, in Base64. */
    readonly hdrs?: string
    /** In Base64. */
    readonly data?: string
  }
}

/** Reads one message from the stream's leader: never stale, but slower than a direct get. */
export async function readFromLeader(
  broker: Broker,
  stream: string,
  selector: MessageSelector,
): Promise<StoredMessage | null> {
  try {
    const answer = await broker.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(selector))
    const { seq, subject, time, hdrs = '', data = '' } = assertSuccess(answer.json<MessageAnswer>()).message
    const content = Buffer.from(data, 'base64')
    return {
      seq,
      subject,
      at: new Date(time),
      data: content,
      chunks: [content],
      header: parseHeaders(Buffer.from(hdrs, 'base64')),
    }
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === noMessage) return null
    throw thrown
  }
}
