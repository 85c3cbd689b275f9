import { jetstreamManager } from '@nats-io/jetstream'
import { connectTo, type BrokerAddress } from './connect-to.ts'

/**
 * Removes all uploaded bytes from the broker, so that the next measurement does not wait for the disk to write those of
 * the previous one: after some two gigabytes of unwritten data the kernel slows writers down to the speed of the disk.
 */
export async function purgeUploads(broker: BrokerAddress): Promise<void> {
  const connection = await connectTo(broker)
  const manager = await jetstreamManager(connection)
  await manager.streams.purge('OBJ_sources')
  await connection.close()
}
