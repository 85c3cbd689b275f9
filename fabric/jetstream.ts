import type { ConsumerConfig, ConsumerInfo, StreamConfig, StreamInfo } from '@nats-io/jetstream'
import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { noMessage, Refused, storeFailed, Unreachable, type Broker, type RequestOptions } from './broker.ts'

/** The requests of JetStream's own interface that the adapters are made of. */

interface Answer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

/** @throws Refused when JetStream says no, Unreachable when it cannot be asked just now. */
async function ask<T>(broker: Broker, what: string, body?: object, timeoutMs?: number): Promise<T> {
  const options = timeoutMs === undefined ? {} : { timeoutMs }
  const answer = await broker.request(`$JS.API.${what}`, body && JSON.stringify(body), options)
  return checked<T>(answer)
}

function checked<T>(answer: Msg): T {
  const body = answer.json<T & Answer>()
  const { error } = body
  if (!error) return body
  const code = error.err_code ?? error.code
  const description = error.description ?? 'refused'
  // 503 says "not now" (no leader, starting, overloaded), but it is also how a full stream answers.
  if (error.code === 503 && code !== storeFailed) throw new Unreachable(`${description} (${code})`)
  throw new Refused(code, description)
}

/** Stores a message in the stream that its subject belongs to; returns its sequence. */
export async function publish(
  broker: Broker,
  subject: string,
  data: Uint8Array | string,
  options: RequestOptions = {},
): Promise<number> {
  return checked<{ seq: number }>(await broker.request(subject, data, options)).seq
}

/** Answers when there is a JetStream for this account. */
export async function accountInfo(broker: Broker): Promise<void> {
  await ask(broker, 'INFO')
}

export function streamInfo(broker: Broker, stream: string): Promise<StreamInfo> {
  return ask(broker, `STREAM.INFO.${stream}`)
}

export function createStream(broker: Broker, config: Partial<StreamConfig>): Promise<StreamInfo> {
  return ask(broker, `STREAM.CREATE.${config.name}`, config, 15_000)
}

export function updateStream(broker: Broker, config: Partial<StreamConfig>): Promise<StreamInfo> {
  return ask(broker, `STREAM.UPDATE.${config.name}`, config, 15_000)
}

/** Makes a durable consumer, or brings an existing one to this configuration. */
export function ensureConsumer(
  broker: Broker,
  stream: string,
  config: Partial<ConsumerConfig>,
): Promise<ConsumerInfo> {
  const body = { stream_name: stream, config, action: '' }
  return ask(
    broker,
    `CONSUMER.CREATE.${stream}.${config.durable_name}.${config.filter_subject}`,
    body,
    15_000,
  )
}

export function consumerInfo(broker: Broker, stream: string, consumer: string): Promise<ConsumerInfo> {
  return ask(broker, `CONSUMER.INFO.${stream}.${consumer}`)
}

/** Removes every message of one subject. */
export async function purgeSubject(broker: Broker, stream: string, filter: string): Promise<number> {
  const { purged } = await ask<{ purged: number }>(broker, `STREAM.PURGE.${stream}`, { filter })
  return purged
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

type Which = { last_by_subj: string } | { seq: number; next_by_subj: string }

/** One message, read from the stream's leader: never behind, but dearer than a direct get. */
export async function readFromLeader(broker: Broker, stream: string, which: Which): Promise<Stored | null> {
  try {
    const { message } = await ask<{ message: RawMessage }>(broker, `STREAM.MSG.GET.${stream}`, which)
    return storedOfRaw(message)
  } catch (thrown) {
    if (thrown instanceof Refused && thrown.code === noMessage) return null
    throw thrown
  }
}

interface RawMessage {
  readonly seq: number
  readonly subject: string
  readonly time: string
  readonly hdrs?: string
  readonly data?: string
}

function storedOfRaw({ seq, subject, time, hdrs = '', data = '' }: RawMessage): Stored {
  const lines = Buffer.from(hdrs, 'base64').toString().split('\r\n')
  return {
    seq,
    subject,
    at: new Date(time),
    data: Buffer.from(data, 'base64'),
    header: (name) =>
      lines
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim(),
  }
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
