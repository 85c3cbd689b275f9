import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { natsServer } from './nats-server.ts'
import { freePort } from './port.ts'

export interface NatsOptions {
  /** Lines added to the server's configuration, in its own syntax. */
  readonly config?: string
  /** Whether JetStream is on; default true. */
  readonly jetstream?: boolean
  /** What the user may do, in the server's own syntax; default everything. */
  readonly permissions?: string
  /** Most that its streams may take on disk, in bytes; default 20 GiB. */
  readonly storeBytes?: number
  /** Default one made up; servers of one cluster share theirs. */
  readonly password?: string
  /** Folder for its streams, which stays when the server is disposed of; default one of its own, which goes. */
  readonly store?: string
}

/** A real nats-server of this test alone. */
export interface Nats extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Settings with which a PixelFlow process finds this server. */
  readonly env: Readonly<Record<string, string>>
  /** Where it keeps everything; to be copied while it is killed. */
  readonly store: string
  /** Process id of the running server. */
  readonly pid: number
  /** Ends the server as a power button would; resolves when it is gone. */
  kill9(): Promise<void>
  /** Starts it again, after killing it if it still runs, on the same port and the same store. */
  restart(): Promise<void>
  /** What the server has logged since its last start. */
  log(): string
}

/** Starts nats-server on a free loopback port with a store and a password of its own. Disposing removes all of it. */
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
  for (let attempt = 1; !server.ready && attempt < 5; attempt++) {
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
      for (let attempt = 1; !server.ready && attempt < 5; attempt++) {
        await Bun.sleep(200)
        server = await start(binary, config)
      }
      if (!server.ready) throw new Error(`nats-server did not come back:\n${server.log()}`)
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
${jetstream ? `jetstream { store_dir: "${store}", max_mem: 256M, max_file: ${storeBytes} }` : ''}
authorization { users: [{ user: "${user}", password: "${password}", permissions: { ${permissions} } }] }
${config}
`
}

async function start(binary: string, config: string) {
  // Dies with this process, however that one ends.
  const leash =
    process.platform === 'linux' && Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []
  const server = Bun.spawn([...leash, binary, '-c', config], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let log = ''
  const ready = Promise.withResolvers<boolean>()
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of server.stderr) {
      log = (log + decoder.decode(chunk, { stream: true })).slice(-64 * 1024)
      if (log.includes('Server is ready')) ready.resolve(true)
    }
    ready.resolve(false)
  }
  read().catch(() => ready.resolve(false))
  const timer = setTimeout(() => ready.resolve(false), 20_000)
  const isReady = await ready.promise
  clearTimeout(timer)
  if (!isReady) {
    server.kill('SIGKILL')
    await server.exited
  }
  return { process: server, ready: isReady, log: () => log }
}
