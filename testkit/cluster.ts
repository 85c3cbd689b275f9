import { startNats, type Nats, type NatsOptions } from './nats.ts'
import { freePort } from './port.ts'

/** Three nats-servers that replicate streams, as in production. */
export interface Cluster extends AsyncDisposable {
  readonly servers: readonly Nats[]
  /** Settings with which a PixelFlow process connects to them. */
  readonly env: Readonly<Record<string, string>>
}

/** @param options `storeBytes`: most bytes of the streams of each server on disk */
export async function startCluster(options: Pick<NatsOptions, 'storeBytes'> = {}): Promise<Cluster> {
  await using stack = new AsyncDisposableStack()
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const password = crypto.randomUUID()
  const servers = await Promise.all(
    ports.map((port) => {
      const config = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`
      return startNats({ ...options, config, password })
    }),
  )
  for (const server of servers) stack.use(server)
  const owned = stack.move()
  return {
    servers,
    env: {
      ...servers[0]?.env,
      NATS_URL: servers.map(({ url }) => url).join(','),
      PIXELFLOW_NATS_REPLICAS: '3',
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
