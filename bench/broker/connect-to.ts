import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Nats } from '@pixelflow/testkit/nats'

export type BrokerAddress = Pick<Nats, 'url' | 'user' | 'password'>

/** @param name name of the connection in the statistics of the broker */
export function connectTo({ url, user, password }: BrokerAddress, name = 'bench'): Promise<NatsConnection> {
  return connect({ servers: url, user, pass: password, name })
}
