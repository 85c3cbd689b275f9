import { startNats, type Nats, type NatsOptions } from '@pixelflow/testkit/nats'
import { readSettings } from './config.ts'
import { openFabric, type Fabric, type FabricOptions } from './open.ts'
import { fabricSettings, type FabricSettings } from './settings.ts'
import { createLog } from './telemetry/log.ts'

export { until } from '@pixelflow/testkit/until'

/** A broker of this test alone, and two processes' worth of ports on it. Only tests use this. */
export interface Fixture extends AsyncDisposable {
  readonly nats: Nats
  readonly settings: FabricSettings
  readonly fabric: Fabric
  /** Another process's ports on the same broker. */
  readonly other: Fabric
}

export type FixtureOptions = Partial<Omit<FabricOptions, 'settings'>> & {
  readonly env?: Record<string, string>
  readonly nats?: NatsOptions
}

export const quiet = createLog({ room: 'test', level: 'error', format: 'json' })

export async function openFixture({
  env,
  nats: natsOptions,
  ...options
}: FixtureOptions = {}): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNats(natsOptions))
  const settings = readSettings(fabricSettings, { ...nats.env, ...env })
  const open = () => openFabric({ settings, name: 'test', log: quiet, ...options })
  const [fabric, other] = await Promise.all([open(), open()])
  stack.use(fabric)
  stack.use(other)
  const owned = stack.move()
  return { nats, settings, fabric, other, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
