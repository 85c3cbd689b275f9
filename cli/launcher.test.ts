import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'

/** The launcher in test checkouts, with test folders as PATH. */

const root = resolve(import.meta.dir, '..')
const posix = 'sh cat chmod cmp env mkdir mktemp mv readlink rm'.split(' ')

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-launcher-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

let serial = 0
const fresh = async (name: string) => {
  const path = join(home, `${name}-${(serial += 1)}`)
  await mkdir(path, { recursive: true })
  return path
}

/** A checkout with the launcher and a main.ts that prints its arguments. */
async function createCheckout(): Promise<string> {
  const path = await fresh('checkout')
  for (const file of ['pixelflow', 'cli/setup.ts', 'cli/lock.ts', 'bunfig.toml']) {
    await cp(join(root, file), join(path, file))
  }
  await writeFile(join(path, 'package.json'), '{"name":"checkout","private":true,"workspaces":["near"]}\n')
  await Bun.write(join(path, 'near/package.json'), '{"name":"near","version":"1.0.0"}\n')
  await writeFile(
    join(path, 'cli/main.ts'),
    'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), env: Bun.env.FROM_DOT_ENV }))\n',
  )
  const lock = Bun.spawnSync([process.execPath, 'install', '--lockfile-only'], { cwd: path })
  if (lock.exitCode !== 0) throw new Error(lock.stderr.toString())
  return path
}

/** A folder for PATH with the given programs of this machine and the given scripts. */
async function path(names: readonly string[], scripts: Record<string, string> = {}): Promise<string> {
  const folder = await fresh('path')
  for (const name of [...posix, ...names]) {
    const real = name === 'bun' ? process.execPath : Bun.which(name)
    if (!real) throw new Error(`This test needs ${name}.`)
    await symlink(real, join(folder, name))
  }
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, name), text, { mode: 0o755 })
  }
  return folder
}

async function run(
  command: readonly string[],
  { PATH, cwd = home, ...env }: { PATH: string; cwd?: string; [name: string]: string | undefined },
) {
  const child = Bun.spawn([...command], {
    cwd,
    env: { PATH, HOME: home, TMPDIR: tmpdir(), ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  const call = out === '' ? undefined : (JSON.parse(out) as { args: string[]; cwd: string })
  return { code, out, err, call }
}

/** An npm that unpacks the package of the platform, or fails. */
const npm = (works: boolean) => `#!/bin/sh
${works ? '' : 'echo "npm error network" >&2; exit 1'}
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/@oven/bun-here/bin" "$2/node_modules/@oven/bun-elsewhere/bin"
printf 'not for this machine' > "$2/node_modules/@oven/bun-elsewhere/bin/bun"
chmod +x "$2/node_modules/@oven/bun-elsewhere/bin/bun"
ln -s ${process.execPath} "$2/node_modules/@oven/bun-here/bin/bun"
`

/** A zip archive of one deflated file, like the releases of Bun. */
function zip(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(8, 4)
  common.writeUInt32LE(crc32(content), 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(content.length, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00'),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

/** A short form of Bun's installer: the same requirements and folder, and an archive with a program that runs the real Bun. */
function installerSite() {
  const archive = zip('bun-here/bun', Buffer.from(`#!/bin/sh\nexec ${process.execPath} "$@"\n`))
  return Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      '/install': (request) =>
        new Response(`#!/usr/bin/env bash
set -euo pipefail
[[ $1 = bun-v1.4.5 ]] || { echo "asked for $1" >&2; exit 1; }
[[ $(basename "$SHELL") = sh ]] || { echo "would edit the files of $SHELL" >&2; exit 1; }
command -v unzip >/dev/null || { echo 'unzip is required' >&2; exit 1; }
mkdir -p "$BUN_INSTALL/bin"
curl -fsSL --output "$BUN_INSTALL/bin/bun.zip" "${new URL('/bun.zip', request.url).href}"
unzip -oqd "$BUN_INSTALL/bin" "$BUN_INSTALL/bin/bun.zip"
mv "$BUN_INSTALL/bin/bun-here/bun" "$BUN_INSTALL/bin/bun"
chmod +x "$BUN_INSTALL/bin/bun"
`),
      '/bun.zip': () => new Response(archive),
    },
    fetch: () => new Response('not here', { status: 404 }),
  })
}

describe('with a recent Bun on PATH', () => {
  test('passes on arguments, working folder and exit code', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['bun'])
    const cwd = await fresh('elsewhere')
    await writeFile(join(cwd, '.env'), 'FROM_DOT_ENV=1\n')
    await writeFile(join(cwd, 'bunfig.toml'), 'preload = ["./not-there.ts"]\n')
    const { call, code } = await run([join(checkout, 'pixelflow'), 'a b', '', "it's"], { PATH, cwd })
    expect(code).toBe(0)
    expect(call).toMatchObject({ args: ['a b', '', "it's"], cwd })
    expect(call).not.toHaveProperty('env')
    await writeFile(join(checkout, 'cli/main.ts'), 'process.exit(42)\n')
    expect((await run([join(checkout, 'pixelflow')], { PATH })).code).toBe(42)
  })

  test('works through absolute and relative symbolic links and through sh', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['bun'])
    const links = await fresh('links')
    await symlink(join(checkout, 'pixelflow'), join(links, 'absolute'))
    await symlink('absolute', join(links, 'relative'))
    expect((await run([join(links, 'relative'), 'x'], { PATH })).call?.args).toEqual(['x'])
    expect((await run(['./pixelflow', 'x'], { PATH, cwd: checkout })).call?.args).toEqual(['x'])
    expect((await run(['sh', 'pixelflow', 'x'], { PATH, cwd: checkout })).call?.args).toEqual(['x'])
  })

  test('installs the packages once, and again when bun.lock changes', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['bun'])
    const launcher = [join(checkout, 'pixelflow')]
    expect((await run(launcher, { PATH })).err).toContain('installing packages')
    expect((await run(launcher, { PATH })).err).toBe('')
    const lock = join(checkout, 'bun.lock')
    await writeFile(lock, `${await Bun.file(lock).text()}\n`)
    expect((await run(launcher, { PATH })).err).toContain('installing packages')
    expect((await run(launcher, { PATH })).err).toBe('')
  })

  test('of two concurrent runs, one installs and both run', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['bun'])
    const all = await Promise.all([1, 2, 3].map(() => run([join(checkout, 'pixelflow')], { PATH })))
    expect(all.map((one) => one.code)).toEqual([0, 0, 0])
    expect(all.filter((one) => one.err.includes('installing packages'))).toHaveLength(1)
  })

  test('stops when the packages cannot be installed', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['bun'])
    await writeFile(
      join(checkout, 'package.json'),
      '{"name":"checkout","private":true,"dependencies":{"near":"file:./near"}}',
    )
    const { code, out, err } = await run([join(checkout, 'pixelflow')], { PATH })
    expect(code).not.toBe(0)
    expect(out).toBe('')
    expect(err).toContain('lockfile')
    expect(err).toContain('could not be installed')
  })
})

describe('without a recent Bun', () => {
  const old = { bun: '#!/bin/sh\necho 1.3.14\n' }

  test('npm installs the pinned version into the checkout once', async () => {
    const checkout = await createCheckout()
    const PATH = await path(['ln'], { ...old, npm: npm(true) })
    const first = await run([join(checkout, 'pixelflow')], { PATH })
    expect(first).toMatchObject({ code: 0 })
    expect(first.err).toContain('installing Bun 1.4.5 into .bun/ with npm')
    expect(await readdir(join(checkout, '.bun'))).toEqual(['bin'])
    expect((await run([join(checkout, 'pixelflow')], { PATH })).err).toBe('')
  })

  test.each([true, false])('curl runs the installer of Bun; unzip on PATH: %p', async (unzip) => {
    using site = installerSite()
    const checkout = await createCheckout()
    const tools = ['bash', 'curl', 'basename', ...(unzip ? ['unzip'] : ['perl'])]
    const PATH = await path(tools, old)
    const PIXELFLOW_BUN_INSTALLER_URL = new URL('/install', site.url).href
    const { code, err } = await run([join(checkout, 'pixelflow')], {
      PATH,
      PIXELFLOW_BUN_INSTALLER_URL,
      SHELL: '/bin/zsh',
    })
    expect(err).toContain('installing Bun 1.4.5 into .bun/ with its installer')
    expect(code).toBe(0)
    expect(await readdir(join(checkout, '.bun'))).toEqual(['bin'])
  })

  test('a failing npm is reported, and the installer is used', async () => {
    using site = installerSite()
    const checkout = await createCheckout()
    const PATH = await path(['bash', 'curl', 'basename', 'unzip'], { npm: npm(false) })
    const { code, err } = await run([join(checkout, 'pixelflow')], {
      PATH,
      PIXELFLOW_BUN_INSTALLER_URL: new URL('/install', site.url).href,
    })
    expect(err).toContain('npm error network')
    expect(code).toBe(0)
  })

  test('a failing download leaves nothing behind and reports what to install', async () => {
    using site = installerSite()
    const checkout = await createCheckout()
    const PATH = await path(['bash', 'curl', 'unzip'])
    const { code, err } = await run([join(checkout, 'pixelflow')], {
      PATH,
      PIXELFLOW_BUN_INSTALLER_URL: new URL('/missing', site.url).href,
    })
    expect(code).toBe(1)
    expect(err).toContain('Install npm or curl, or Bun itself')
    expect(await readdir(join(checkout, '.bun'))).toEqual([])
  })

  test('without npm and curl, it reports what to install', async () => {
    const checkout = await createCheckout()
    const { code, err } = await run([join(checkout, 'pixelflow')], { PATH: await path([], old) })
    expect(code).toBe(1)
    expect(err).toContain('Install npm or curl, or Bun itself')
  })
})

test('the pinned version is that of package.json', async () => {
  const { packageManager } = (await Bun.file(join(root, 'package.json')).json()) as { packageManager: string }
  const launcher = await Bun.file(join(root, 'pixelflow')).text()
  expect(`bun@${/^pinned=(.*)$/m.exec(launcher)?.[1]}`).toBe(packageManager)
})

test('a launcher without its executable bit still runs through sh', async () => {
  const checkout = await createCheckout()
  await chmod(join(checkout, 'pixelflow'), 0o644)
  expect((await run(['sh', join(checkout, 'pixelflow')], { PATH: await path(['bun']) })).code).toBe(0)
})
