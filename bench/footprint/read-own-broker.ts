import { join } from 'node:path'
import type { BrokerAddress } from '../broker/connect-to.ts'

/** Address and credentials of the broker that `up` runs, from its data folder. */
export async function readOwnBroker(dataDir: string): Promise<BrokerAddress> {
  const read = (name: string) => Bun.file(join(dataDir, 'nats', name)).text()
  const [configuration, password] = await Promise.all([read('nats.conf'), read('password')])
  const listen = /^listen: "([^"]+)"/m.exec(configuration)?.[1]
  if (listen === undefined) throw new Error(`${dataDir}/nats/nats.conf has no line listen: "…"`)
  return { url: `nats://${listen}`, user: 'pixelflow', password }
}
