import { expect, test } from 'bun:test'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueServer } from '@pixelflow/cli/certs/issue'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { serverHosts, createTestCertificates, type TestCertificates } from '../testing/test-certificates.ts'
import { readTls, watchTls, type WatchedTls } from './watch-tls.ts'
import type { TlsFiles } from './tls-material.ts'

interface Watching extends Disposable {
  readonly tls: WatchedTls
  readonly taken: string[]
  readonly logs: { level: string; msg: string; problem?: string }[]
}

function watch(files: TlsFiles): Watching {
  const logs: Watching['logs'] = []
  const log = createLogger({
    service: 'test',
    format: 'json',
    write: (line) => logs.push(JSON.parse(line) as Watching['logs'][number]),
  })
  const tls = watchTls({ files, first: readTls(files), clientAuth: 'require', reloadIntervalMs: 100 }, log)
  const taken: string[] = []
  tls.onChange(({ serial }) => taken.push(serial))
  return { tls, taken, logs, [Symbol.dispose]: () => tls[Symbol.dispose]() }
}

function filesOf({ env }: TestCertificates): TlsFiles {
  return {
    certFile: env['PIXELFLOW_TLS_CERT_FILE'] ?? '',
    keyFile: env['PIXELFLOW_TLS_KEY_FILE'] ?? '',
    clientCaFile: env['PIXELFLOW_TLS_CLIENT_CA_FILE'],
  }
}

async function waitForLength(what: string, list: readonly unknown[], length: number): Promise<void> {
  await waitFor(
    `${length} ${what}`,
    () => list,
    (seen) => seen.length === length,
  )
}

test('reloads changed files, and only those', async () => {
  await using certificates = await createTestCertificates()
  using watching = watch(filesOf(certificates))
  const first = watching.tls.current.serial
  await stays('nothing reloaded', () => watching.taken.length === 0, 350)
  expect(watching.taken).toEqual([])
  await certificates.replaceServer(await issueServer(certificates.authority, serverHosts))
  await waitForLength('reloads', watching.taken, 1)
  expect(watching.tls.current.serial).not.toBe(first)
  expect(watching.logs.map(({ msg }) => msg)).toEqual(['TLS files reloaded'])
})

test('keeps the old material while the new files are invalid, logs this once, and reloads valid ones', async () => {
  await using certificates = await createTestCertificates()
  const files = filesOf(certificates)
  using watching = watch(files)
  const first = watching.tls.current.serial
  const next = await issueServer(certificates.authority, serverHosts)

  await writeFile(files.certFile, next.certificate)
  await waitForLength('log entries', watching.logs, 1)
  await stays('error logged once', () => watching.logs.length === 1, 350)
  expect(watching.logs.map(({ level }) => level)).toEqual(['error'])
  expect(watching.logs[0]?.problem).toMatch(/^PIXELFLOW_TLS_KEY_FILE=.*is not the key/)
  expect(watching.tls.current.serial).toBe(first)

  await rm(files.certFile)
  await waitForLength('log entries', watching.logs, 2)
  expect(watching.logs[1]?.problem).toContain('cannot be read (ENOENT)')

  await certificates.replaceServer(next)
  await waitForLength('reloads', watching.taken, 1)
  expect(watching.logs).toHaveLength(3)
})

test('does not log an error while the files are replaced one by one', async () => {
  await using certificates = await createTestCertificates()
  const files = filesOf(certificates)
  using watching = watch(files)
  for (let round = 1; round <= 3; round++) {
    const next = await issueServer(certificates.authority, serverHosts)
    await writeFile(files.keyFile, next.key)
    // Less than the interval of the polls, so a poll may come between the two files.
    await Bun.sleep(60)
    await writeFile(files.certFile, next.certificate)
    await waitForLength('reloads', watching.taken, round)
  }
  expect(watching.logs.filter(({ level }) => level === 'error')).toEqual([])
})

test('reloads when a symbolic link changes, as in Kubernetes', async () => {
  await using certificates = await createTestCertificates()
  const { folder, authority } = certificates
  const mounted = join(folder, 'mounted')
  const put = async (version: string) => {
    const data = join(mounted, `..${version}`)
    await mkdir(data, { recursive: true })
    const { certificate, key } = await issueServer(authority, serverHosts)
    await writeFile(join(data, 'tls.crt'), certificate)
    await writeFile(join(data, 'tls.key'), key)
    await symlink(`..${version}`, join(mounted, '..data_tmp'))
    await rename(join(mounted, '..data_tmp'), join(mounted, '..data'))
    return readFile(join(data, 'tls.crt'), 'utf8')
  }
  await put('1')
  for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(mounted, name))
  const certFile = join(mounted, 'tls.crt')
  using watching = watch({ certFile, keyFile: join(mounted, 'tls.key'), clientCaFile: undefined })
  const second = await put('2')
  await waitFor('second version loaded', () => watching.tls.current.cert === second)
})

test('warns of an expiry that is near, and of a key that other users can read', async () => {
  await using certificates = await createTestCertificates()
  const files = filesOf(certificates)
  const until2days = { from: new Date(Date.now() - 1000), until: new Date(Date.now() + 2 * 86_400_000) }
  const { certificate, key } = await issueServer(certificates.authority, serverHosts, until2days)
  await rm(files.keyFile)
  await writeFile(files.keyFile, key, { mode: 0o644 })
  await writeFile(files.certFile, certificate)
  using watching = watch(files)
  await waitForLength('log entries', watching.logs, 2)
  await stays('warnings logged once', () => watching.logs.length === 2, 300)
  expect(watching.logs.map(({ msg }) => msg).toSorted()).toEqual([
    'TLS certificate expires soon',
    'TLS key is readable by other users',
  ])
})
