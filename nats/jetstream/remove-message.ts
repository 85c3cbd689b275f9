import {
  assertSuccess,
  messageNotRemoved,
  JetStreamError,
  noMessage,
  noSuchSequence,
  type ApiAnswer,
} from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { callApi } from './call-api.ts'
import { readFromLeader } from './read-from-leader.ts'

/** Removes one message; harmless when it does not exist. */
export async function removeMessage(broker: Broker, stream: string, seq: number): Promise<void> {
  try {
    // Without overwriting it on the disk.
    const request = JSON.stringify({ seq, no_erase: true })
    assertSuccess((await broker.request(`$JS.API.STREAM.MSG.DELETE.${stream}`, request)).json<ApiAnswer>())
  } catch (thrown) {
    if (!(thrown instanceof JetStreamError)) throw thrown
    if (thrown.code === noMessage || thrown.code === noSuchSequence) return
    // All failed removals have this code, also that of a message that is gone.
    const isGone =
      thrown.code === messageNotRemoved && (await readFromLeader(broker, stream, { seq })) === null
    if (!isGone) throw thrown
  }
}

/**
 * Removes every message of one subject. Not for a stream with consumers: a purge makes each consumer persist its state in
 * memory, replicated or not, and a server that lags then loses its pending messages permanently.
 */
export async function purgeSubject(broker: Broker, stream: string, filter: string): Promise<number> {
  const { purged } = await callApi(broker, `stream ${stream}`, (manager) =>
    manager.streams.purge(stream, { filter }),
  )
  return purged
}
