import { join } from 'node:path'
import { openDiskSpool, type DiskSpool } from '../delivery/disk-spool.ts'
import { createResponseBuffer } from '../delivery/response-buffer.ts'
import { createBytesSender, type SendBytes } from '../transports/rest/send-content.ts'
import { createSendTracker, type SendTracker } from '../transports/rest/send-tracker.ts'
import type { GatewayConfig } from '../config.ts'

export interface ContentDelivery extends AsyncDisposable {
  readonly sendBytes: SendBytes
  readonly sendTracker: SendTracker
  readonly spool: DiskSpool
}

/** Sends the bytes of images; large downloads pass through files in a spool folder. */
export async function openContentDelivery(config: GatewayConfig): Promise<ContentDelivery> {
  await using scope = new AsyncDisposableStack()
  const folder = join(config.dataDir, 'gateway', 'spool')
  const spool = scope.use(await openDiskSpool(folder, config.downloadSpoolBytes))
  const sendTracker = scope.use(createSendTracker())
  const owned = scope.move()
  return {
    sendBytes: createBytesSender(createResponseBuffer(spool), sendTracker),
    sendTracker,
    spool,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
