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
  messageNotRemoved,
  JetStreamError,
  type ApiAnswer,
  type Broker,
} from '../connection/broker.ts'
import type { StoredMessage } from './stored-message.ts'
import type { Consumer } from '../topology/consumers.ts'
import type { Stream } from '../topology/topology.ts'

/** The JetStream management API, through the official client, with the errors of `Broker`. */

/** Short, because a starting server loses requests: retry instead of waiting long. */
const requestTimeoutMs = 5000
/** Creating a stream may wait for a consensus of the cluster. */
const createTimeoutMs = 8000

const managers = new WeakMap<Broker, Map<number, Promise<JetStreamManager>>>()

function managerOf(broker: Broker, timeoutMs: number): Promise<JetStreamManager> {
  const byTimeout = managers.get(broker) ?? new Map<number, Promise<JetStreamManager>>()
  managers.set(broker, byTimeout)
  const manager =
    byTimeout.get(timeoutMs) ?? jetstreamManager(broker.nc, { checkAPI: false, timeout: timeoutMs })
  byTimeout.set(timeoutMs, manager)
  return manager
}

/** @throws JetStreamError when JetStream rejects the request, Unreachable when it does not answer. */
function callApi<T>(
  broker: Broker,
  what: string,
  call: (manager: JetStreamManager) => Promise<T>,
  timeoutMs = requestTimeoutMs,
): Promise<T> {
  return broker.exchange(what, timeoutMs, async () => call(await managerOf(broker, timeoutMs)))
}

/** Resolves when JetStream is enabled for this account. */
export async function accountInfo(broker: Broker): Promise<void> {
  await callApi(broker, 'account', (manager) => manager.getAccountInfo())
}

export function streamInfo(broker: Broker, stream: string): Promise<StreamInfo> {
  return callApi(broker, `stream ${stream}`, (manager) => manager.streams.info(stream))
}

/** When the stream's leader answered, by the clock that dates the stream's messages; milliseconds since 1970. */
export function leaderTime({ ts }: StreamInfo): number {
  const ms = Date.parse(ts ?? '')
  if (Number.isNaN(ms)) throw new Error(`invalid time in the stream info: ${ts}`)
  return ms
}

export function createStream(broker: Broker, config: Stream): Promise<StreamInfo> {
  return callApi(
    broker,
    `new stream ${config.name}`,
    (manager) => manager.streams.add({ ...config }),
    createTimeoutMs,
  )
}

export function updateStream(broker: Broker, config: Stream): Promise<StreamInfo> {
  return callApi(
    broker,
    `stream ${config.name}`,
    (manager) => manager.streams.update(config.name, { ...config }),
    createTimeoutMs,
  )
}

/** Removes a stream with all its messages. */
export async function deleteStream(broker: Broker, stream: string): Promise<void> {
  await callApi(broker, `stream ${stream}`, (manager) => manager.streams.delete(stream), createTimeoutMs)
}

/** Creates a durable consumer, or updates an existing one to this configuration. */
export async function ensureConsumer(
  broker: Broker,
  stream: string,
  config: Consumer,
): Promise<ConsumerInfo> {
  const { durable_name: name } = config
  const what = `consumer ${name}`
  try {
    return await callApi(
      broker,
      what,
      (manager) => manager.consumers.add(stream, { ...config }),
      createTimeoutMs,
    )
  } catch (thrown) {
    if (!(thrown instanceof JetStreamError) || thrown.code !== consumerExists) throw thrown
    const update: Partial<ConsumerConfig> = { ...config }
    return callApi(broker, what, (manager) => manager.consumers.update(stream, name, update), createTimeoutMs)
  }
}

export function consumerInfo(broker: Broker, stream: string, consumer: string): Promise<ConsumerInfo> {
  return callApi(broker, `consumer ${consumer}`, (manager) => manager.consumers.info(stream, consumer))
}

/** The number of messages of a subject, asked of the stream's leader. */
export async function countMessages(broker: Broker, stream: string, subject: string): Promise<number> {
  const info = await callApi(broker, `stream ${stream}`, (manager) =>
    manager.streams.info(stream, { subjects_filter: subject }),
  )
  return info.state.subjects?.[subject] ?? 0
}

interface SubjectsPage extends ApiAnswer {
  readonly total?: number
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> | null }
}

/** One page of the subjects that have messages, from `offset` on, and their total number. */
export async function streamSubjects(
  broker: Broker,
  stream: string,
  filter: string,
  offset: number,
): Promise<{ subjects: string[]; total: number }> {
  // The official client collects all pages in memory.
  const request = JSON.stringify({ subjects_filter: filter, offset })
  const answer = await broker.request(`$JS.API.STREAM.INFO.${stream}`, request)
  const { total = 0, state } = assertSuccess(answer.json<SubjectsPage>())
  return { subjects: Object.keys(state?.subjects ?? {}), total }
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

/** Removes one message; harmless when it does not exist. */
export async function removeMessage(broker: Broker, stream: string, seq: number): Promise<void> {
  try {
    await callApi(broker, `stream ${stream}`, (manager) => manager.streams.deleteMessage(stream, seq, false))
  } catch (thrown) {
    if (!(thrown instanceof JetStreamError)) throw thrown
    if (thrown.code === noMessage || thrown.code === noSuchSequence) return
    // All failed removals have this code, also that of a message that is gone.
    const isGone =
      thrown.code === messageNotRemoved && (await readFromLeader(broker, stream, { seq })) === null
    if (!isGone) throw thrown
  }
}

type Which = { last_by_subj: string } | { seq: number; next_by_subj?: string }

/** Reads one message from the stream's leader: never stale, but slower than a direct get. */
export async function readFromLeader(
  broker: Broker,
  stream: string,
  which: Which,
): Promise<StoredMessage | null> {
  try {
    const message = await callApi(broker, `stream ${stream}`, (manager) =>
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
