import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { Broker } from '../connection/broker.ts'

/** Short, because a starting server loses requests: retry instead of waiting long. */
const requestTimeoutMs = 5000
/** Creating a stream may wait for a consensus of the cluster. */
export const createTimeoutMs = 8000

const managers = new WeakMap<Broker, Map<number, Promise<JetStreamManager>>>()

function managerOf(broker: Broker, timeoutMs: number): Promise<JetStreamManager> {
  const byTimeout = managers.get(broker) ?? new Map<number, Promise<JetStreamManager>>()
  managers.set(broker, byTimeout)
  const manager =
    byTimeout.get(timeoutMs) ?? jetstreamManager(broker.nc, { checkAPI: false, timeout: timeoutMs })
  byTimeout.set(timeoutMs, manager)
  return manager
}

/**
 * One request to the JetStream management API, through the official client, with the errors of `Broker`.
 * @throws JetStreamError when JetStream rejects the request, Unreachable when it does not answer.
 */
export function callApi<T>(
  broker: Broker,
  what: string,
  call: (manager: JetStreamManager) => Promise<T>,
  timeoutMs = requestTimeoutMs,
): Promise<T> {
  return broker.exchange(what, timeoutMs, async () => call(await managerOf(broker, timeoutMs)))
}
