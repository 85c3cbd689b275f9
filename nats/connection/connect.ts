import { readFileSync } from 'node:fs'
import { credsAuthenticator, errors, type ConnectionOptions } from '@nats-io/nats-core'
import { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import { Fault } from '@pixelflow/core/fault'
import { retry } from '@pixelflow/core/retry'
import { createBroker, type Broker } from './broker.ts'
import type { NatsSettings } from '../nats-settings.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { msUntilTick } from '@pixelflow/platform/ticks'
import { useWireTransport, type WireConnectionOptions } from './wire/wire-transport.ts'

export type ConnectSettings = Pick<NatsSettings, 'natsUrl' | 'natsUser' | 'natsPassword' | 'natsCredsFile'>

export interface ConnectOptions {
  readonly settings: ConnectSettings
  /** Name of the connection in the broker's monitoring, e.g. `gateway`. */
  readonly name: string
  readonly log: Logger
  /** How long to wait for a broker that does not answer; default 30 s. */
  readonly waitMs?: number
}

/**
 * Connects, and reconnects without a time limit when the connection is lost.
 * @throws Fault `unavailable` when no broker answers in time, or at once when it rejects the credentials.
 */
export async function connect({ settings, name, log, waitMs = 30_000 }: ConnectOptions): Promise<Broker> {
  const common = { ...connectOptions, ...credentials(settings), name, servers: [...settings.natsUrl] }
  useWireTransport()
  try {
    const nc = await retry(
      (tries) => {
        if (tries === 5) log.info('waiting for the broker', { servers: settings.natsUrl })
        const options: WireConnectionOptions = { ...common, interceptions: new Map() }
        return NatsConnectionImpl.connect(options)
      },
      { timeoutMs: waitMs, isRetryable: (thrown) => !(thrown instanceof errors.AuthorizationError) },
    )
    alignHeartbeats(nc as NatsConnectionImpl)
    const broker = createBroker(nc)
    broker.onDisconnect(() => {
      if (!nc.isClosed() && !nc.isDraining())
        log.warn('broker connection lost', { servers: settings.natsUrl })
    })
    broker.onReconnect(() => log.info('broker connection restored', { server: nc.getServer() }))
    return broker
  } catch (thrown) {
    throw thrown instanceof errors.AuthorizationError
      ? invalidCredentials(settings, thrown)
      : noAnswer(settings, waitMs, thrown)
  }
}

/** Detects a hanging broker or a lost peer within 10 to 15 seconds. */
const pingIntervalMs = 5000

const connectOptions: ConnectionOptions = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 200,
  reconnectJitter: 100,
  timeout: 3000,
  pingInterval: pingIntervalMs,
  maxPingOut: 2,
  // A stack trace for each request costs more than the request.
  noAsyncTraces: true,
  // A broker that is being set up may reject credentials twice in a row; keep reconnecting.
  ignoreAuthErrorAbort: true,
}

/** All connections of a machine send their heartbeats at the same moments. The client library reads the interval before each. */
function alignHeartbeats({ protocol }: NatsConnectionImpl): void {
  Object.defineProperty(protocol.heartbeats, 'interval', { get: () => msUntilTick(pingIntervalMs) })
}

function credentials({ natsUser, natsPassword, natsCredsFile }: ConnectSettings): ConnectionOptions {
  if (natsCredsFile !== undefined) return { authenticator: credsAuthenticator(readCreds(natsCredsFile)) }
  return { ...(natsUser && { user: natsUser }), ...(natsPassword && { pass: natsPassword }) }
}

function readCreds(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    const remedy = 'Set PIXELFLOW_NATS_CREDS_FILE to a credentials file that this process may read.'
    throw new Fault('unavailable', `The NATS credentials file ${path} cannot be read.`, { remedy, cause })
  }
}

function invalidCredentials({ natsUrl }: ConnectSettings, cause: unknown): Fault {
  return new Fault('unavailable', `The NATS server at ${natsUrl.join(', ')} refused the credentials.`, {
    remedy: 'Check PIXELFLOW_NATS_USER and PIXELFLOW_NATS_PASSWORD, or PIXELFLOW_NATS_CREDS_FILE.',
    cause,
  })
}

function noAnswer({ natsUrl }: ConnectSettings, waitMs: number, cause: unknown): Fault {
  return new Fault(
    'unavailable',
    `No NATS server answered at ${natsUrl.join(', ')} within ${waitMs / 1000} s.`,
    {
      remedy: 'Start nats-server there, or set NATS_URL to where it runs.',
      cause,
    },
  )
}
