import {
  jetstreamManager,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream'
import {
  assertSuccess,
  consumerExists,
  noMessage,
  noSuchSequence,
  notRemoved,
  JetStreamError,
  type ApiAnswer,
  type Broker,
} from '../connection/broker.ts'
import type { StoredMessage } from './jetstream.ts'
import type { Consumer } from '../topology/consumers.ts'
import type { Stream } from '../topology/topology.ts'

/** What JetStream's manager is asked: through the official client, with the broker's own way of failing. */

/** A server that is starting loses requests: ask again rather than wait long. */
const answerMs = 5000
/** Making a stream may have to wait for the servers of a cluster to agree. */
const agreementMs = 8000

const managers = new WeakMap<Broker, Map<number, Promise<JetStreamManager>>>()

function managerOf(broker: Broker, timeoutMs: number): Promise<JetStreamManager> {
  const made = managers.get(broker) ?? new Map<number, Promise<JetStreamManager>>()
  managers.set(broker, made)
  const manager = made.get(timeoutMs) ?? jetstreamManager(broker.nc, { checkAPI: false, timeout: timeoutMs })
  made.set(timeoutMs, manager)
  return manager
}

/** @throws Refused when JetStream says no, Unreachable when it cannot be asked just now. */
function manage<T>(
  broker: Broker,
  what: string,
  act: (manager: JetStreamManager) => Promise<T>,
  timeoutMs = answerMs,
): Promise<T> {
  return broker.exchange(what, timeoutMs, async () => act(await managerOf(broker, timeoutMs)))
}

/** Answers when there is a JetStream for this account. */
export async function accountInfo(broker: Broker): Promise<void> {
  await manage(broker, 'account', (manager) => manager.getAccountInfo())
}

export function streamInfo(broker: Broker, stream: string): Promise<StreamInfo> {
  return manage(broker, `stream ${stream}`, (manager) => manager.streams.info(stream))
}

/** When the stream's leader answered, by its own clock: what it dates the stream's messages by, in milliseconds since 1970. */
export function leaderTime({ ts }: StreamInfo): number {
  const ms = Date.parse(ts ?? '')
  if (Number.isNaN(ms)) throw new Error(`The broker told the time as ${ts}.`)
  return ms
}

export function createStream(broker: Broker, config: Stream): Promise<StreamInfo> {
  return manage(
    broker,
    `new stream ${config.name}`,
    (manager) => manager.streams.add({ ...config }),
    agreementMs,
  )
}

export function updateStream(broker: Broker, config: Stream): Promise<StreamInfo> {
  return manage(
    broker,
    `stream ${config.name}`,
    (manager) => manager.streams.update(config.name, { ...config }),
    agreementMs,
  )
}

/** Makes a durable consumer, or brings an existing one to this configuration. */
export async function ensureConsumer(
  broker: Broker,
  stream: string,
  config: Consumer,
): Promise<ConsumerInfo> {
  const { durable_name: name } = config
  const what = `consumer ${name}`
  try {
    return await manage(broker, what, (manager) => manager.consumers.add(stream, { ...config }), agreementMs)
  } catch (thrown) {
    if (!(thrown instanceof JetStreamError) || thrown.code !== consumerExists) throw thrown
    const update: Partial<ConsumerConfig> = { ...config }
    return manage(broker, what, (manager) => manager.consumers.update(stream, name, update), agreementMs)
  }
}

export function consumerInfo(broker: Broker, stream: string, consumer: string): Promise<ConsumerInfo> {
  return manage(broker, `consumer ${consumer}`, (manager) => manager.consumers.info(stream, consumer))
}

/** How many messages a subject has, as the stream's leader knows. */
export async function countMessages(broker: Broker, stream: string, subject: string): Promise<number> {
  const info = await manage(broker, `stream ${stream}`, (manager) =>
    manager.streams.info(stream, { subjects_filter: subject }),
  )
  return info.state.subjects?.[subject] ?? 0
}

interface SubjectsPage extends ApiAnswer {
  readonly total?: number
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> | null }
}

/** Subjects that have messages, from the `offset`th on, as many as the server tells at once; and how many there are. */
export async function streamSubjects(
  broker: Broker,
  stream: string,
  filter: string,
  offset: number,
): Promise<{ subjects: string[]; total: number }> {
  // The official client gathers all pages before it answers.
  const ask = JSON.stringify({ subjects_filter: filter, offset })
  const answer = await broker.request(`$JS.API.STREAM.INFO.${stream}`, ask)
  const { total = 0, state } = assertSuccess(answer.json<SubjectsPage>())
  return { subjects: Object.keys(state?.subjects ?? {}), total }
}

/**
 * Removes every message of one subject. Not for a stream with consumers: on a purge each writes down what it holds in
 * memory, agreed on or not, and a server that was left behind then forgets for good what it had handed out.
 */
export async function purgeSubject(broker: Broker, stream: string, filter: string): Promise<number> {
  const { purged } = await manage(broker, `stream ${stream}`, (manager) =>
    manager.streams.purge(stream, { filter }),
  )
  return purged
}

/** Removes one message; harmless when it is gone. */
export async function removeMessage(broker: Broker, stream: string, seq: number): Promise<void> {
  try {
    await manage(broker, `stream ${stream}`, (manager) => manager.streams.deleteMessage(stream, seq, false))
  } catch (thrown) {
    if (!(thrown instanceof JetStreamError) || !isGone(thrown)) throw thrown
  }
}

/** A removal that fails has one code for whatever is the matter. */
function isGone({ code, message }: JetStreamError): boolean {
  if (code === notRemoved) return message.includes('no message found') || message.includes('deleted')
  return code === noMessage || code === noSuchSequence
}

type Which = { last_by_subj: string } | { seq: number; next_by_subj?: string }

/** One message, read from the stream's leader: never behind, but dearer than a direct get. */
export async function readFromLeader(
  broker: Broker,
  stream: string,
  which: Which,
): Promise<StoredMessage | null> {
  try {
    const message = await manage(broker, `stream ${stream}`, (manager) =>
      manager.streams.getMessage(stream, which),
    )
    if (message === null) return null
    const { seq, subject, time: at, data, header } = message
    return { seq, subject, at, data, parts: [data], header: (name) => header.get(name) || undefined }
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === noMessage) return null
    throw thrown
  }
}
