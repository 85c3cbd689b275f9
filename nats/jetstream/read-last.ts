import type { Broker } from '../connection/broker.ts'
import { directGetError } from './direct-get-error.ts'
import { parseStoredMessage, type StoredMessage } from './stored-message.ts'

/**
 * The last message of a subject; null when there is none. A direct get: any replica answers, without a consumer. A replica
 * can lag behind the leader of the stream.
 */
export async function readLast(
  broker: Broker,
  stream: string,
  subject: string,
): Promise<StoredMessage | null> {
  const answer = await broker.request(`$JS.API.DIRECT.GET.${stream}.${subject}`)
  const { code, description } = answer.status
  if (code === 0) return parseStoredMessage(answer)
  if (code === 404) return null
  throw directGetError(code, description)
}
