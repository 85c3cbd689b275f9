import type { StreamInfo } from '@nats-io/jetstream'
import type { Broker } from '../connection/broker.ts'
import type { Stream } from '../topology/streams.ts'
import { callApi, createTimeoutMs } from './call-api.ts'

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
