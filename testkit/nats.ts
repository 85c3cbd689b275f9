import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { natsServer } from './nats-server.ts'
import { freePort } from './port.ts'

export interface NatsOptions {
  /** Lines added to the server's configuration, in its own syntax. */
  readonly config?: string
  /** Whether JetStream is on; default true. */
  readonly jetstream?: boolean
  /** Permissions of the user, in the server's own syntax; by default all. */
  readonly permissions?: string
  /** Most bytes of its streams on disk; default 20 GiB. */
  readonly storeBytes?: number
  /** By default a random one; the servers of a cluster share one. */
  readonly password?: string
  /** Folder of its streams, kept when the server is disposed. By default a temporary folder, which is removed. */
  readonly store?: string
}

/** A real nats-server for one test. */
export interface Nats extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Settings with which a PixelFlow process connects to this server. */
  readonly env: Readonly<Record<string, string>>
  /** Its data folder. Copy it only while the server is stopped. */
  readonly store: string
  /** Process id of the running server. */
  readonly pid: number
  /** Kills the server with SIGKILL; resolves after its exit. */
  kill9(): Promise<void>
  /** Starts it again on the same port and store; kills it first if it runs. */
  restart(): Promise<void>
  /** The log of the server since its last start. */
  log(): string
}

/** Starts nats-server on a free loopback port with its own store and password. Disposing removes everything. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const binary = await natsServer()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-nats-'))
  const user = 'pixelflow'
  const password = options.password ?? crypto.randomUUID()
  const config = join(home, 'nats.conf')
  const write = (port: number) =>
    writeFile(config, configuration({ ...options, port, home, user, password }), { mode: 0o600 })

  let port = await freePort()
  await write(port)
  let server = await start(binary, config)
  // Another process may have taken the port between the check and the start.
  for (let tries = 1; !server.ready && tries < 5; tries++) {
    port = await freePort()
    await write(port)
    server = await start(binary, config)
  }
  if (!server.ready) {
    await rm(home, { recursive: true, force: true })
    throw new Error(`nats-server did not start:\n${server.log()}`)
  }

  const kill9 = async () => {
    server.process.kill('SIGKILL')
    await server.process.exited
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    user,
    password,
    env: {
      NATS_URL: `nats://127.0.0.1:${port}`,
      PIXELFLOW_NATS_USER: user,
      PIXELFLOW_NATS_PASSWORD: password,
    },
    store: options.store ?? join(home, 'store'),
    get pid() {
      return server.process.pid
    },
    kill9,
    async restart() {
      await kill9()
      server = await start(binary, config)
      // Another process may be probing the port.
      for (let tries = 1; !server.ready && tries < 5; tries++) {
        await Bun.sleep(200)
        server = await start(binary, config)
      }
      if (!server.ready) throw new Error(`nats-server did not restart:\n${server.log()}`)
    },
    log: () => server.log(),
    async [Symbol.asyncDispose]() {
      await kill9()
      await rm(home, { recursive: true, force: true })
    },
  }
}

interface Configuration extends NatsOptions {
  readonly port: number
  readonly home: string
  readonly user: string
  readonly password: string
}

function configuration({
  port,
  home,
  user,
  password,
  jetstream = true,
  storeBytes = 20 * 2 ** 30,
  store = join(home, 'store'),
  config = '',
  permissions = 'publish: ">"',
}: Configuration): string {
  return `
listen: "127.0.0.1:${port}"
server_name: "test-${port}"
ports_file_dir: "${home}"
${jetstream ? `jetstream { store_dir: "${store}", max_mem: 256M, max_file: ${storeBytes} }` : ''}
authorization { users: [{ user: "${user}", password: "${password}", permissions: { ${permissions} } }] }
${config}
`
}

async function start(binary: string, config: string) {
  // The server exits with this process, however that ends.
  const launcher =
    process.platform === 'linux' && Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []
  const server = Bun.spawn([...launcher, binary, '-c', config], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let log = ''
  const readLog = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of server.stderr) {
      log = (log + decoder.decode(chunk, { stream: true })).slice(-64 * 1024)
    }
  }
  readLog().catch(() => {})
  const isReady = await waitUntilReady(
    server,
    join(dirname(config), `${basename(binary)}_${server.pid}.ports`),
  )
  if (!isReady) {
    server.kill('SIGKILL')
    await server.exited
  }
  return { process: server, ready: isReady, log: () => log }
}

/** Waits for the file that nats-server writes when it accepts connections. False when it exits, or after 20 s. */
async function waitUntilReady(server: Bun.Subprocess, portsFile: string): Promise<boolean> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline && server.exitCode === null && server.signalCode === null) {
    if (await Bun.file(portsFile).exists()) return true
    await Bun.sleep(5)
  }
  return false
}
