import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { refusal, type Broker, type RequestOptions } from './broker.ts'

/** The two things that happen for every message, and are therefore done on the wire: storing one, and reading one. */

interface PubAck {
  readonly seq: number
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/**
 * Stores a message in the stream that its subject belongs to; returns its sequence.
 * @throws Refused when JetStream says no, Unreachable when it cannot be asked just now.
 */
export async function publish(
  broker: Broker,
  subject: string,
  data: Uint8Array | string,
  options: RequestOptions = {},
): Promise<number> {
  const { seq, error } = (await broker.request(subject, data, options)).json<PubAck>()
  if (error) throw refusal(error.err_code ?? error.code, error.code, error.description ?? 'refused')
  return seq
}

/** A message as it is stored. */
export interface Stored {
  readonly seq: number
  readonly subject: string
  /** When the broker stored it. */
  readonly at: Date
  readonly data: Uint8Array
  /** Value of a header; undefined when there is none of that name. */
  header(name: string): string | undefined
}

/** A direct get's answer, or a republished message, as a stored one. */
export function storedOf(msg: Msg): Stored {
  const headers = msg.headers as MsgHdrs
  return {
    seq: Number(headers.get('Nats-Sequence')),
    subject: headers.get('Nats-Subject'),
    get at() {
      return new Date(headers.get('Nats-Time-Stamp'))
    },
    data: msg.data,
    header: (name) => headers.get(name) || undefined,
  }
}
