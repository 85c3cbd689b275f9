import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'

export interface BrokerAddress {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** The payloads of all messages that a stream holds, in order, as text, read with the official client. */
export async function readStreamTexts(
  { url, user, password }: BrokerAddress,
  stream: string,
): Promise<string[]> {
  const connection = await connect({ servers: url, user, pass: password })
  try {
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info(stream, { deleted_details: true })
    const deleted = new Set(state.deleted ?? [])
    const texts: string[] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      if (deleted.has(seq)) continue
      texts.push((await streams.getMessage(stream, { seq }))?.string() ?? '')
    }
    return texts
  } finally {
    await connection.close()
  }
}
