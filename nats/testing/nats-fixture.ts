import { startNats, type Nats, type NatsOptions } from '@pixelflow/testkit/nats'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters, type Adapters, type AdaptersOptions } from '../open-adapters.ts'
import { natsSettings, type NatsSettings } from '../nats-settings.ts'
import { createLogger } from '@pixelflow/platform/telemetry/logger'

/** A nats-server for one test, and the adapters of two processes connected to it. */
export interface NatsFixture extends AsyncDisposable {
  readonly nats: Nats
  readonly settings: NatsSettings
  readonly adapters: Adapters
  /** The adapters of another process on the same broker. */
  readonly other: Adapters
}

export type NatsFixtureOptions = Partial<Omit<AdaptersOptions, 'settings'>> & {
  readonly env?: Record<string, string>
  readonly nats?: NatsOptions
}

export const errorLogger = createLogger({ service: 'test', level: 'error', format: 'json' })

export async function openNatsFixture({
  env,
  nats: natsOptions,
  ...options
}: NatsFixtureOptions = {}): Promise<NatsFixture> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNats(natsOptions))
  const settings = readSettings(natsSettings, { ...nats.env, ...env })
  const open = () => openAdapters({ settings, name: 'test', log: errorLogger, ...options })
  const [adapters, other] = await Promise.all([open(), open()])
  stack.use(adapters)
  stack.use(other)
  const owned = stack.move()
  return { nats, settings, adapters, other, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
