import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sniffFormat, type FormatId } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { launch, hasMessage, type RunningProcess } from '@pixelflow/testkit/process'

/** Runs commands in a folder with a photo, against a server that `./pixelflow up` runs. */

export const pixelflow = join(resolve(import.meta.dir, '../..'), 'pixelflow')

export interface CommandResult {
  readonly code: number
  readonly bytes: Uint8Array
  readonly out: string
  readonly err: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: Uint8Array
}

export interface CliFixture extends AsyncDisposable {
  /** The folder, with `photo.jpg` of 900 × 600 pixels. */
  readonly home: string
  readonly url: string
  /** Address of the gRPC port. */
  readonly grpc: string
  run(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  typeOf(name: string): Promise<FormatId | undefined>
}

export async function openCliFixture(settings: Readonly<Record<string, string>> = {}): Promise<CliFixture> {
  const scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-shell-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  await Bun.write(join(home, 'photo.jpg'), await sampleImage({ width: 900, height: 600 }))
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  const running = scope.use(
    await startUpProcess({
      PIXELFLOW_HTTP_PORT: port,
      PIXELFLOW_GRPC_PORT: '0',
      PIXELFLOW_DATA_DIR: join(home, 'data'),
      ...settings,
    }),
  )
  const grpc = await readGrpcAddress(running)
  return {
    home,
    url,
    grpc,
    async run(args, { env = {}, stdin } = {}) {
      const child = Bun.spawn([pixelflow, ...args], {
        cwd: home,
        env: { ...inheritedEnvironment(), PIXELFLOW_URL: url, ...env },
        stdin: stdin === undefined ? 'ignore' : new Blob([stdin.slice()]),
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const [code, bytes, err] = await Promise.all([child.exited, child.stdout.bytes(), child.stderr.text()])
      return { code, bytes, out: new TextDecoder().decode(bytes), err }
    },
    typeOf: async (name) => sniffFormat(await Bun.file(join(home, name)).bytes()),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

/** Opens a fixture for the tests of a file. Its properties can be read as soon as the tests run. */
export function useCliFixture(
  settings: Readonly<Record<string, string>> = {},
): Omit<CliFixture, typeof Symbol.asyncDispose> {
  let fixture: CliFixture
  useFixture(
    () => openCliFixture(settings),
    (opened) => (fixture = opened),
  )
  return {
    get home() {
      return fixture.home
    },
    get url() {
      return fixture.url
    },
    get grpc() {
      return fixture.grpc
    },
    run: (...args) => fixture.run(...args),
    typeOf: (name) => fixture.typeOf(name),
  }
}

/** Starts `./pixelflow up` and waits until it is ready. */
export async function startUpProcess(env: Readonly<Record<string, string>>): Promise<RunningProcess> {
  const running = launch({ command: [pixelflow, 'up'], env })
  await running.line((line) => hasMessage('ready')(line) && line.includes('"service":"up"'), 60_000)
  return running
}

/** The gRPC address of a ready `up`. */
export async function readGrpcAddress(running: RunningProcess): Promise<string> {
  const line = await running.line((line) => hasMessage('ready')(line) && line.includes('"service":"up"'))
  return (JSON.parse(line) as { grpc: string }).grpc
}

/** The variables that commands need from the environment of the tests. */
function inheritedEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_NATS_SERVER_PATH } = process.env
  return { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_NATS_SERVER_PATH }
}

/** The values of NDJSON output. */
export function parseNdjson(out: string): Record<string, unknown>[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
