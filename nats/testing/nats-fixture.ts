import { startNats, type Nats, type NatsOptions } from '@pixelflow/testkit/nats'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters, type Adapters, type AdaptersOptions } from '../open-adapters.ts'
import { natsSettings, type NatsSettings } from '../nats-settings.ts'
import { createLogger } from '@pixelflow/platform/telemetry/logger'

export { until } from '@pixelflow/testkit/until'

/** A broker of this test alone, and two processes' worth of ports on it. Only tests use this. */
export interface Fixture extends AsyncDisposable {
  readonly nats: Nats
  readonly settings: NatsSettings
  readonly adapters: Adapters
  /** Another process's ports on the same broker. */
  readonly other: Adapters
}

export type FixtureOptions = Partial<Omit<AdaptersOptions, 'settings'>> & {
  readonly env?: Record<string, string>
  readonly nats?: NatsOptions
}

export const quiet = createLogger({ service: 'test', level: 'error', format: 'json' })

export async function openFixture({
  env,
  nats: natsOptions,
  ...options
}: FixtureOptions = {}): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNats(natsOptions))
  const settings = readSettings(natsSettings, { ...nats.env, ...env })
  const open = () => openAdapters({ settings, name: 'test', log: quiet, ...options })
  const [adapters, other] = await Promise.all([open(), open()])
  stack.use(adapters)
  stack.use(other)
  const owned = stack.move()
  return { nats, settings, adapters, other, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
