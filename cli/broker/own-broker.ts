import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brokerRuntime } from '@pixelflow/platform/broker-runtime'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import { CliError } from '../cli-error.ts'
import { findFreePort } from '../stack/port.ts'
import type { ServiceProgram } from '../stack/supervise.ts'
import { createTooOldError, type NatsServerProgram } from './find-nats-server.ts'
import { readServerInfo } from './read-server-info.ts'
import { minimumApiLevel } from './nats-version.ts'

const user = 'pixelflow'
const probeTimeoutMs = 1000
/** User of the system account, which can read the health of the server but not the streams. */
const systemUser = 'up'

/** The broker that `up` runs: its program, and how other processes connect to it. */
export interface OwnBroker {
  readonly program: ServiceProgram
  readonly url: string
  /** Environment of the processes that connect to it. */
  readonly env: Readonly<Record<string, string>>
  /** Folder of its streams. */
  readonly store: string
  /** Credentials of the system account. */
  readonly system: { readonly user: string; readonly password: string }
  /** @throws CliError when the running server reports a version that is too old. */
  requireSupportedVersion(): Promise<void>
}

/**
 * Prepares a folder for nats-server: its configuration, its store, and a random password in a file that only the owner can
 * read. The configuration contains only the hash of the password. The port stays the same until `up` ends, so that clients
 * reconnect after a restart of the broker.
 */
export async function prepareOwnBroker(
  found: NatsServerProgram,
  folder: string,
  env: ServiceProgram['env'],
): Promise<OwnBroker> {
  makePrivateFolder(folder)
  const port = await findFreePort()
  const url = `nats://127.0.0.1:${port}`
  const store = join(folder, 'store')
  const password = randomPassword()
  const systemPassword = randomPassword()
  const passwordFile = join(folder, 'password')
  const configuration = join(folder, 'nats.conf')
  const [hash, systemHash] = await Promise.all([hashOf(password), hashOf(systemPassword)])
  await writePrivate(passwordFile, password)
  await writePrivate(configuration, configurationOf({ port, store, hash, systemHash }))

  return {
    url,
    store,
    system: { user: systemUser, password: systemPassword },
    env: { NATS_URL: url, PIXELFLOW_NATS_USER: user, PIXELFLOW_NATS_PASSWORD_FILE: passwordFile },
    program: {
      service: 'nats',
      command: [found.path, '--config', configuration],
      cwd: folder,
      env: brokerEnvironment(env),
      probe: () => isServing(url),
    },
    async requireSupportedVersion() {
      const { api_lvl, version } = await readServerInfo(url, 3000)
      if (api_lvl >= minimumApiLevel) return
      throw new CliError('usage', ...createTooOldError(`${found.path} (from ${found.from})`, version))
    },
  }
}

/** The environment of nats-server: `PATH`, and settings of its Go runtime, which the environment of `up` overrides. */
export function brokerEnvironment(env: ServiceProgram['env'], cores?: number): ServiceProgram['env'] {
  return {
    PATH: env['PATH'],
    ...brokerRuntime(env, cores),
    GOMEMLIMIT: env['GOMEMLIMIT'],
  }
}

function randomPassword(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}

async function isServing(url: string): Promise<boolean> {
  return readServerInfo(url, probeTimeoutMs).then(
    () => true,
    () => false,
  )
}

/** The lowest cost is enough for 256 random bits, and every connection computes the hash. */
function hashOf(password: string): Promise<string> {
  return Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })
}

/** Sets the mode even if the file exists. */
async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
}

interface Configuration {
  readonly port: number
  readonly store: string
  readonly hash: string
  readonly systemHash: string
}

function configurationOf({ port, store, hash, systemHash }: Configuration): string {
  return `# Written by ./pixelflow up at every start.
listen: "127.0.0.1:${port}"
server_name: pixelflow
max_connections: 256
max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"
lame_duck_duration: "30s"
jetstream {
  store_dir: ${JSON.stringify(store)}
  max_memory_store: 64MB
}
authorization {
  users: [ { user: ${user}, password: ${JSON.stringify(hash)} } ]
}
accounts {
  $SYS { users: [ { user: ${systemUser}, password: ${JSON.stringify(systemHash)} } ] }
}
`
}

/**
 * Checks that an existing broker is reachable at one of the addresses, and recent enough.
 *
 * @throws CliError `unreachable` or `usage`.
 */
export async function requireBroker(urls: readonly string[]): Promise<void> {
  const failures: string[] = []
  for (const url of urls) {
    try {
      const { api_lvl, version } = await readServerInfo(url, 3000)
      if (api_lvl < minimumApiLevel)
        throw new CliError('usage', ...createTooOldError(`NATS_URL=${url}`, version))
      return
    } catch (error) {
      if (error instanceof CliError) throw error
      failures.push(`${url}: ${(error as Error).message}`)
    }
  }
  throw new CliError('unreachable', `No broker is reachable at NATS_URL (${failures.join('; ')}).`, {
    field: 'NATS_URL',
    remedy: 'Start that broker, correct the address, or unset the variable to let ./pixelflow up start one.',
  })
}
