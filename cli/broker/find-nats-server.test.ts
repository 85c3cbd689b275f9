import { beforeAll, describe, expect, test } from 'bun:test'
import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { openFolders, type Folders } from '@pixelflow/testkit/folders'
import { natsServer } from '@pixelflow/testkit/nats-server'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { readPinnedTool } from '../tools/pinned-tool.ts'
import { assetName } from './download-nats-server.ts'
import { findNatsServer, type NatsServerSearch } from './find-nats-server.ts'

/** Every source of a nats-server: PATH, cache, download and build. A local server replaces the download site. */

const root = resolve(import.meta.dir, '../..')
let folders: Folders
let real: string
let version: string
useFixture(
  () => openFolders('pixelflow-find-'),
  (opened) => (folders = opened),
)
beforeAll(async () => {
  real = await natsServer()
  version = (await readPinnedTool(root, 'nats-server')).version
}, 120_000)

/** A program that prints this version. */
async function createFakeServer(version: string, name = 'nats-server'): Promise<string> {
  const path = join(await folders.create(), name)
  await writeFile(path, `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 })
  return path
}

/** A search with an empty PATH, an empty cache and an unreachable download site. */
async function createSearch(more: Partial<NatsServerSearch> = {}) {
  const messages: string[] = []
  const cacheDir = await folders.create()
  const search: NatsServerSearch = {
    root,
    cacheDir,
    path: await folders.create(),
    downloadUrl: 'http://127.0.0.1:1',
    say: (text) => messages.push(text),
    ...more,
  }
  return { search, messages, cached: join(search.cacheDir, 'nats-server', version, 'nats-server') }
}

/** A checkout whose pinned module cannot be built, so that the last source fails quickly. */
async function withoutModule(): Promise<string> {
  const path = await folders.create()
  await mkdir(join(path, 'tools/nats-server'), { recursive: true })
  await writeFile(
    join(path, 'tools/nats-server/go.mod'),
    `module x\n\ngo 1.24\n\ntool example.invalid/nats-server/v2\n\nrequire example.invalid/nats-server/v2 v${version}\n`,
  )
  return path
}

interface Site {
  readonly sums?: (good: string) => string
  readonly archive?: (good: Uint8Array<ArrayBuffer>) => Response | Promise<Response>
  readonly isMoved?: boolean
}

/** Serves a release like the official site, or a damaged one. */
async function site({ sums = (good) => good, archive, isMoved = false }: Site = {}) {
  const asset = assetName({ baseUrl: '', version }) ?? ''
  const packed = await new Bun.Archive(
    { [`${asset}/LICENSE`]: 'Apache-2.0', [`${asset}/nats-server`]: await Bun.file(real).bytes() },
    { compress: 'gzip', level: 1 },
  ).bytes()
  const digest = new Bun.CryptoHasher('sha256').update(packed).digest('hex')
  const good = `${'0'.repeat(64)}  nats-server-v${version}-plan9-amd64.tar.gz\n${digest}  ${asset}.tar.gz\n`
  const requests: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname } = new URL(request.url)
      requests.push(pathname)
      if (pathname === `/r/v${version}/SHA256SUMS`) return new Response(sums(good))
      if (isMoved && pathname === `/r/v${version}/${asset}.tar.gz`) {
        return Response.redirect(new URL('/elsewhere', request.url).href, 302)
      }
      if (pathname === '/elsewhere' || pathname === `/r/v${version}/${asset}.tar.gz`) {
        return archive ? archive(packed) : new Response(packed)
      }
      return new Response('not found', { status: 404 })
    },
  })
  return {
    downloadUrl: `http://127.0.0.1:${server.port}/r`,
    requests,
    [Symbol.dispose]: () => void server.stop(true),
  }
}

describe('the one named by PIXELFLOW_NATS_SERVER_PATH', () => {
  test('is used even if there are others', async () => {
    const { search } = await createSearch({
      named: real,
      path: dirname(await createFakeServer('nats-server: v2.99.0')),
    })
    expect(await findNatsServer(search)).toEqual({ path: real, version, from: 'PIXELFLOW_NATS_SERVER_PATH' })
  })

  test('is refused with its path when it is too old', async () => {
    const named = await createFakeServer('nats-server: v2.11.9')
    const { search } = await createSearch({ named })
    await expect(findNatsServer(search)).rejects.toMatchObject({
      code: 2,
      message: `PIXELFLOW_NATS_SERVER_PATH=${named} is nats-server 2.11.9; PixelFlow needs 2.12 or newer.`,
    })
  })

  test.each(['nothing there', 'something else', 'not executable'])(
    'is refused when it is not a nats-server: %s',
    async (kind) => {
      const other = await createFakeServer('GNU coreutils 9.1')
      if (kind === 'not executable') await chmod(other, 0o644)
      const named = kind === 'nothing there' ? join(folders.home, 'missing') : other
      const { search } = await createSearch({ named })
      await expect(findNatsServer(search)).rejects.toMatchObject({
        code: 2,
        message: `PIXELFLOW_NATS_SERVER_PATH=${named} ${kind === 'nothing there' ? 'does not exist' : 'is not a nats-server for this machine'}.`,
      })
    },
  )
})

describe('the one on PATH', () => {
  test.each(['2.12.0', '2.15.2', '2.14.0-RC.1', '3.0.0'])('%s is used', async (reported) => {
    const path = await createFakeServer(`nats-server: v${reported}`)
    const { search, messages } = await createSearch({ path: dirname(path) })
    expect(await findNatsServer(search)).toMatchObject({ from: 'PATH', version: reported })
    expect(messages).toEqual([])
  })

  test('is ignored with a message when it is too old', async () => {
    const old = await createFakeServer('nats-server: v2.10.27')
    const { search, messages, cached } = await createSearch({ path: dirname(old) })
    await mkdir(dirname(cached), { recursive: true })
    await symlink(real, cached)
    expect(await findNatsServer(search)).toEqual({ path: cached, version, from: 'cache' })
    expect(messages).toEqual([`ignoring ${old}: it is version 2.10.27; PixelFlow needs 2.12 or newer`])
  })

  test('is ignored with a message when it does not run', async () => {
    const broken = await createFakeServer('')
    const { search, messages, cached } = await createSearch({ path: dirname(broken) })
    await mkdir(dirname(cached), { recursive: true })
    await symlink(real, cached)
    expect(await findNatsServer(search)).toMatchObject({ from: 'cache' })
    expect(messages[0]).toStartWith(`ignoring ${broken}`)
  })
})

describe('the official download', () => {
  test('is verified, cached, and used without a network afterwards', async () => {
    const { search, cached } = await createSearch()
    {
      using release = await site()
      expect(await findNatsServer({ ...search, downloadUrl: release.downloadUrl })).toEqual({
        path: cached,
        version,
        from: 'download',
      })
    }
    expect(await findNatsServer(search)).toEqual({ path: cached, version, from: 'cache' })
    expect(await readdir(dirname(cached))).toEqual(['nats-server'])
  })

  test('follows redirects, like those of the official site', async () => {
    using release = await site({ isMoved: true })
    const { search } = await createSearch({ downloadUrl: release.downloadUrl })
    expect(await findNatsServer(search)).toMatchObject({ from: 'download' })
    expect(release.requests).toContain('/elsewhere')
  })

  const wrong: [string, Site, string][] = [
    [
      'another digest',
      { sums: (good) => good.replace(/[0-9a-f]{64}(?=  \S+\n$)/, 'a'.repeat(64)) },
      'The SHA-256 of',
    ],
    ['no digest', { sums: () => 'nothing here\n' }, 'does not list'],
    [
      'a truncated archive',
      { archive: (good) => new Response(good.slice(0, good.length / 2)) },
      'The SHA-256 of',
    ],
    ['no archive', { archive: () => new Response('gone', { status: 404 }) }, 'responded with 404'],
    [
      'an archive of something else',
      {
        sums: (good) => good.replace(/[0-9a-f]{64}(?=  \S+\n$)/, emptyDigest),
        archive: () => new Response(empty),
      },
      'does not contain',
    ],
  ]
  test.each(wrong)('with %s is rejected and not stored, and the next source is used', async (_, how, why) => {
    using release = await site(how)
    const { search, messages, cached } = await createSearch({
      downloadUrl: release.downloadUrl,
      root: await withoutModule(),
    })
    await expect(findNatsServer(search)).rejects.toMatchObject({ code: 1 })
    expect(messages.find((line) => line.startsWith('nats-server was not downloaded'))).toContain(why)
    expect(await Bun.file(cached).exists()).toBe(false)
  })

  test('without a response delays the start by at most 3 s', async () => {
    const silent = createServer(() => {})
    const { promise, resolve: listening } = Promise.withResolvers<void>()
    silent.listen(0, '127.0.0.1', listening)
    await promise
    const { port } = silent.address() as { port: number }
    const { search, messages } = await createSearch({
      downloadUrl: `http://127.0.0.1:${port}`,
      root: await withoutModule(),
    })
    await findNatsServer(search).catch(() => {})
    expect(messages).toContain(`nats-server was not downloaded. 127.0.0.1:${port} did not answer within 3 s.`)
    silent.close()
  }, 20_000)

  test.each([
    ['linux', 'x64', 'linux-amd64'],
    ['linux', 'arm64', 'linux-arm64'],
    ['darwin', 'x64', 'darwin-amd64'],
    ['darwin', 'arm64', 'darwin-arm64'],
  ])('has an archive for %s on %s', (platform, arch, suffix) => {
    expect(assetName({ baseUrl: '', version: '2.15.2', platform, arch })).toBe(
      `nats-server-v2.15.2-${suffix}`,
    )
  })

  test('has none for other machines', () => {
    expect(assetName({ baseUrl: '', version: '2.15.2', platform: 'linux', arch: 's390x' })).toBeNull()
  })
})

describe('the build with Go', () => {
  test('runs after a failed download, and its result is cached', async () => {
    const { search, messages, cached } = await createSearch({
      path: dirname(Bun.which('go') ?? '/usr/local/go/bin/go'),
    })
    expect(await findNatsServer(search)).toEqual({ path: cached, version, from: 'build' })
    expect(messages.some((line) => line.startsWith(`building nats-server ${version} with Go`))).toBe(true)
    expect(await findNatsServer(search)).toMatchObject({ from: 'cache' })
  }, 180_000)

  test('reports what to install when it fails', async () => {
    const { search } = await createSearch({ root: await withoutModule() })
    await expect(findNatsServer(search)).rejects.toMatchObject({
      message: expect.stringContaining('No nats-server found. '),
      remedy: expect.stringContaining('Install nats-server 2.12 or newer'),
    })
  }, 60_000)
})

test('the module of the build has the same version as the download', async () => {
  await cp(join(root, 'tools'), join(folders.home, 'checkout/tools'), { recursive: true })
  const tool = await readPinnedTool(join(folders.home, 'checkout'), 'nats-server')
  expect(tool).toMatchObject({ version, program: 'github.com/nats-io/nats-server/v2' })
  expect(real).toContain('nats-server')
})

const empty = await new Bun.Archive({ 'README.md': 'nothing' }, { compress: 'gzip' }).bytes()
const emptyDigest = new Bun.CryptoHasher('sha256').update(empty).digest('hex')
