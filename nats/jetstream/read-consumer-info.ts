import type { ConsumerConfig, ConsumerInfo } from '@nats-io/jetstream'
import { consumerExists, JetStreamError } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import type { Consumer } from '../topology/consumers.ts'
import { callApi, createTimeoutMs } from './call-api.ts'

export function readConsumerInfo(broker: Broker, stream: string, consumer: string): Promise<ConsumerInfo> {
  return callApi(broker, `consumer ${consumer}`, (manager) => manager.consumers.info(stream, consumer))
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
