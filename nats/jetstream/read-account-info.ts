import type { Broker } from '../connection/broker.ts'
import { callApi } from './call-api.ts'

/** Resolves when JetStream is enabled for this account. */
export async function readAccountInfo(broker: Broker): Promise<void> {
  await callApi(broker, 'account', (manager) => manager.getAccountInfo())
}
