import { afterAll, describe, expect, test } from 'bun:test'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { actorSettings } from '@pixelflow/actors/config'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import { gatewaySettings } from '@pixelflow/gateway/config'
import { startNats } from '@pixelflow/testkit/nats'
import { freePort } from '@pixelflow/testkit/port'
import { launch, hasMessage } from '@pixelflow/testkit/process'
import { Glob } from 'bun'

const root = resolve(import.meta.dir, '../..')
const containerfile = await Bun.file(join(import.meta.dir, 'Containerfile')).text()
const ignored = (await Bun.file(join(root, '.dockerignore')).text()).split('\n')

const home = await mkdtemp(join(tmpdir(), 'pixelflow-images-'))
// The commands of the images call `bun`: use the Bun that runs this test.
const bin = join(home, 'bin')
await mkdir(bin)
await symlink(process.execPath, join(bin, 'bun'))
afterAll(() => rm(home, { recursive: true, force: true }))

/** The instructions of a stage, with continued lines joined. */
function stage(name: string): { instruction: string; rest: string }[] {
  const stages = containerfile.replaceAll('\\\n', ' ').split(/^(?=FROM )/m)
  const found = stages.find((one) => one.split('\n')[0]?.endsWith(` AS ${name}`))
  if (found === undefined) throw new Error(`The Containerfile has no stage ${name}.`)
  const lines = found.split('\n').filter((line) => /^[A-Z]/.test(line))
  return lines.map((line) => {
    const [instruction = '', ...words] = line.trim().split(/\s+/)
    return { instruction, rest: words.join(' ') }
  })
}

/** Executes a build stage in a local folder instead of an image. */
async function build(name: string): Promise<string> {
  const folder = join(home, name)
  for (const { instruction, rest } of stage(name)) {
    if (rest === '--from=manifests /manifests ./') await copyManifests(folder)
    else if (instruction === 'COPY') await copyPackage(rest.split(' ')[0] ?? '', folder)
    else if (instruction === 'RUN') await run(rest, folder)
  }
  return folder
}

async function copyManifests(folder: string): Promise<void> {
  const found = ['*', 'clients/*'].map((packages) =>
    Array.fromAsync(new Glob(`${packages}/package.json`).scan(root)),
  )
  const packages = (await Promise.all(found)).flat()
  for (const path of ['package.json', 'bun.lock', 'bunfig.toml', ...packages]) {
    await Bun.write(join(folder, path), Bun.file(join(root, path)))
  }
}

async function copyPackage(name: string, folder: string): Promise<void> {
  const filter = (path: string) =>
    !['node_modules', 'dist'].includes(basename(path)) && !/\.test\.tsx?$/.test(path)
  await cp(join(root, name), join(folder, name), { recursive: true, filter })
}

async function run(command: string, cwd: string): Promise<void> {
  const child = Bun.spawn(['sh', '-c', command], {
    cwd,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [code, errors] = await Promise.all([child.exited, child.stderr.text()])
  if (code !== 0) throw new Error(`${command} in ${cwd}:\n${errors}`)
}

describe('images', () => {
  test.each(['gateway', 'actors'])(
    'the %s image starts with production packages only, and stops on SIGTERM',
    async (part) => {
      const folder = await build(`${part}-build`)
      await using nats = await startNats()
      const [program, ...entry] = JSON.parse(instructionOf(part, 'ENTRYPOINT')) as string[]
      expect(program).toBe('bun')
      await using running = launch({
        command: [process.execPath, ...entry],
        cwd: folder,
        env: {
          ...environmentOf(part, folder),
          ...nats.env,
          PIXELFLOW_LOG_FORMAT: 'json',
          PIXELFLOW_HTTP_PORT: String(await freePort()),
          PIXELFLOW_GRPC_PORT: '0',
          PIXELFLOW_API_TOKENS: 'local:a-long-random-token',
        },
      })
      const ready = JSON.parse(await running.line(hasMessage('ready'))) as { url?: string }
      if (part === 'gateway') {
        const page = await fetch(new URL('/', ready.url))
        expect(page.headers.get('content-type')).toStartWith('text/html')
      }
      running.signal('SIGTERM')
      expect(await running.exited).toBe(0)
    },
    120_000,
  )

  test('run as a user without privileges', () => {
    for (const part of ['gateway', 'actors']) expect(instructionOf(part, 'USER')).toBe('1000:1000')
  })

  test('secrets and local files are excluded from the build', () => {
    for (const path of ['.git', '.pixelflow', '**/node_modules', '**/.env*']) expect(ignored).toContain(path)
  })

  function instructionOf(part: string, instruction: string): string {
    return stage(part).find((one) => one.instruction === instruction)?.rest ?? ''
  }

  /** ENV of the image, with its folders mapped to local ones. */
  function environmentOf(part: string, folder: string): Record<string, string> {
    const pairs = [...instructionOf(part, 'ENV').matchAll(/(\w+)=(\S+)/g)]
    const here = (value: string) =>
      value.replace(/^\/(app|data)/, (_, name) => (name === 'app' ? folder : join(folder, 'data')))
    return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, here(value)]))
  }
})

describe('compose.yaml', async () => {
  interface Service {
    readonly image?: string
    readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string }
    readonly environment?: Readonly<Record<string, string>>
    readonly ports?: readonly string[]
    readonly networks: readonly string[]
    readonly read_only: boolean
    readonly cap_drop: readonly string[]
  }
  const text = await Bun.file(join(root, 'compose.yaml')).text()
  const compose = Bun.YAML.parse(text) as {
    services: Record<'nats' | 'gateway' | 'actors', Service>
    networks: Record<string, { internal?: boolean }>
  }
  const { nats, gateway, actors } = compose.services

  test('builds existing targets', () => {
    for (const { build: built } of [gateway, actors]) {
      expect(built?.context).toBe('.')
      expect(join(root, built?.dockerfile ?? '')).toBe(join(import.meta.dir, 'Containerfile'))
      expect(stage(built?.target ?? '')).not.toBeEmpty()
    }
  })

  test('is reachable from this machine only, and requires a token', () => {
    expect(gateway.ports).toHaveLength(2)
    for (const port of gateway.ports ?? []) expect(port).toStartWith('127.0.0.1:')
    expect(gateway.environment?.['PIXELFLOW_API_TOKENS']).toStartWith('${PIXELFLOW_API_TOKENS:?')
    for (const service of [nats, actors]) {
      expect(service.ports).toBeUndefined()
      expect(service.networks).toEqual(['broker'])
    }
    expect(compose.networks['broker']?.internal).toBe(true)
  })

  test('gives existing settings to containers with few privileges', () => {
    const declared = (...tables: Record<string, { env: string }>[]) =>
      tables.flatMap((table) => Object.values(table).map(({ env }) => env))
    expect(declared(natsSettings, logSettings, traceSettings, gatewaySettings)).toContainValues(
      Object.keys(gateway.environment ?? {}),
    )
    expect(declared(natsSettings, logSettings, traceSettings, actorSettings)).toContainValues(
      Object.keys(actors.environment ?? {}),
    )
    for (const service of [nats, gateway, actors]) {
      expect(service.read_only).toBe(true)
      expect(service.cap_drop).toEqual(['ALL'])
    }
  })

  test('runs the same NATS version as the chart and the tools', async () => {
    const values = Bun.YAML.parse(await Bun.file(join(root, 'deploy/k8s/chart/values.yaml')).text()) as {
      nats: { image: { repository: string; tag: string } }
    }
    const { repository, tag } = values.nats.image
    expect(nats.image).toBe(`docker.io/library/${repository}:${tag}`)
    const tool = await Bun.file(join(root, 'tools/nats-server/go.mod')).text()
    expect(tool).toContain(`github.com/nats-io/nats-server/v2 v${tag.split('-')[0]}`)
  })
})
