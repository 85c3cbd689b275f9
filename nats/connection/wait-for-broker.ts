import { pause } from '@pixelflow/core/pause'
import type { Broker } from './broker.ts'

/** Waits after a request that the broker did not serve: until it is connected again, and at least 100 ms. */
export async function waitForBroker(broker: Broker, signal?: AbortSignal): Promise<void> {
  await pause(100, signal)
  while (!broker.isConnected && !broker.nc.isClosed() && !signal?.aborted) {
    await broker.waitUntilConnected(1000).catch(() => {})
  }
}
