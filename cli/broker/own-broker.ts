import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import { CliError } from '../cli-error.ts'
import { findFreePort } from '../stack/port.ts'
import type { ServiceProgram } from '../stack/supervise.ts'
import { tooOldError, type NatsServerProgram } from './find-nats-server.ts'
import { readServerInfo } from './read-server-info.ts'
import { minimumApiLevel } from './nats-version.ts'

const user = 'pixelflow'
/** Of the system account, which may ask how the server is and nothing of ours. */
const systemUser = 'up'

/** A broker of our own, ready to be supervised, and how the others reach it. */
export interface OwnBroker {
  readonly program: ServiceProgram
  readonly url: string
  /** Environment with which a PixelFlow process logs in. */
  readonly env: Readonly<Record<string, string>>
  /** Where it keeps its streams. */
  readonly store: string
  /** Who may ask it how it is. */
  readonly system: { readonly user: string; readonly password: string }
  /** Looks at the one that runs. @throws CliError when it is too old by what it says of itself. */
  requireSupportedVersion(): Promise<void>
}

/**
 * Writes what nats-server needs into `folder`: configuration, store, and a random password in a file that only its
 * owner can read; the configuration holds its hash. The port stays the same for as long as we run, so that everybody
 * finds the broker again after it was restarted.
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
      room: 'nats',
      command: [found.path, '--config', configuration],
      cwd: folder,
      env,
      isReady: (said) => said.msg === 'Server is ready',
    },
    async requireSupportedVersion() {
      const { api_lvl, version } = await readServerInfo(url, 3000)
      if (api_lvl >= minimumApiLevel) return
      throw new CliError('usage', ...tooOldError(`${found.path} (from ${found.from})`, version))
    },
  }
}

function randomPassword(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}

/** The least rounds will do: 256 random bits cannot be guessed, and every login pays for them. */
function hashOf(password: string): Promise<string> {
  return Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })
}

/** Made anew if it exists, so that its mode is ours whatever it was. */
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
 * Makes sure that a broker that somebody else runs answers and is recent enough; one of several addresses will do.
 *
 * @throws CliError `unreachable` or `usage`, naming NATS_URL.
 */
export async function requireBroker(urls: readonly string[]): Promise<void> {
  const refusals: string[] = []
  for (const url of urls) {
    try {
      const { api_lvl, version } = await readServerInfo(url, 3000)
      if (api_lvl < minimumApiLevel) throw new CliError('usage', ...tooOldError(`NATS_URL=${url}`, version))
      return
    } catch (error) {
      if (error instanceof CliError) throw error
      refusals.push(`${url}: ${(error as Error).message}`)
    }
  }
  throw new CliError('unreachable', `No broker answers at NATS_URL (${refusals.join('; ')}).`, {
    field: 'NATS_URL',
    remedy: 'Start that broker or correct the address, or unset the variable to have one started.',
  })
}
