import { expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureCertificates, type CertificateFolder, type CertificateRequest } from './ensure-certificates.ts'
import { readSubjectNames } from './subject-names.ts'

const ann = { name: 'ann', account: 'ann' }
const dayMs = 86_400_000

async function inFolder(
  use: (
    ensure: (request?: Partial<CertificateRequest>) => Promise<CertificateFolder>,
    folder: string,
  ) => Promise<void>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-certs-'))
  const ensure = (request: Partial<CertificateRequest> = {}) =>
    ensureCertificates({ folder: join(folder, 'certs'), hosts: [], clients: [], renew: false, ...request })
  await use(ensure, join(folder, 'certs'))
  await rm(folder, { recursive: true })
}

const certificateIn = async (path: string) => new X509Certificate(await readFile(path))
const issuedOf = ({ authority, server, clients }: CertificateFolder) =>
  [authority, server, ...clients].map(({ issueReason }) => issueReason !== undefined)
const days = ({ validFrom, validTo }: X509Certificate) =>
  (Date.parse(validTo) - Date.parse(validFrom)) / dayMs

test('creates certificates of an authority, a server and a client, each only for its purpose', () =>
  inFolder(async (ensure) => {
    const created = await ensure({ hosts: ['px.example'] })
    const authority = await certificateIn(created.authority.certificate)
    const server = await certificateIn(created.server.certificate)
    const client = await certificateIn(created.clients[0]?.certificate ?? '')

    expect([authority.ca, server.ca, client.ca]).toEqual([true, false, false])
    expect([authority, server, client].map(days)).toEqual([3650, 397, 397])
    expect(authority.checkIssued(authority)).toBe(true)
    for (const leaf of [server, client]) {
      expect(leaf.checkIssued(authority)).toBe(true)
      expect(leaf.verify(authority.publicKey)).toBe(true)
      expect(leaf.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
    }
    // Extended key usages: authentication of servers, of clients.
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    for (const name of ['localhost', 'px.example']) expect(server.checkHost(name)).toBe(name)
    for (const ip of ['127.0.0.1', '::1']) expect(server.checkIP(ip)).toBeTruthy()
    expect(server.checkHost('evil.example')).toBeUndefined()
    expect(readSubjectNames(client.toString()).uris).toEqual(['spiffe://pixelflow/account/local'])
    expect(new Set([authority, server, client].map(({ serialNumber }) => serialNumber)).size).toBe(3)
  }))

test('keys are readable only by their owner, whatever the umask, also after their mode was changed', () =>
  inFolder(async (ensure, folder) => {
    const before = process.umask(0)
    await ensure({ clients: [ann] })
    process.umask(before)
    const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o777).toString(8)
    expect(await modeOf('.')).toBe('700')
    const keys = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.key'))
    expect(keys.toSorted()).toEqual(['ca.key', 'clients/ann.key', 'server.key'])
    for (const key of keys) expect(await modeOf(key)).toBe('600')
    await chmod(join(folder, 'server.key'), 0o644)
    await ensure()
    expect(await modeOf('server.key')).toBe('600')
  }))

test('keeps valid certificates, hosts and clients, and adds new ones', () =>
  inFolder(async (ensure) => {
    const first = await ensure({ hosts: ['px.example'], clients: [ann] })
    expect(issuedOf(first)).toEqual([true, true, true])
    expect(first.server.issueReason).toBe('missing')
    expect(issuedOf(await ensure())).toEqual([false, false, false])

    const more = await ensure({ hosts: ['192.168.1.4'], clients: [{ name: 'job', account: 'ann' }] })
    expect(issuedOf(more)).toEqual([false, true, false, true])
    expect(more.server.issueReason).toBe('hosts_changed')
    expect(more.server.hosts).toEqual(['localhost', '127.0.0.1', '::1', 'px.example', '192.168.1.4'])
    const moved = await ensure({ clients: [{ name: 'ann', account: 'team' }] })
    expect(moved.clients).toMatchObject([
      { account: 'team', issueReason: 'account_changed' },
      { name: 'job' },
    ])
  }))

test('replaces certificates that expire soon or do not match their key, or all with renew', () =>
  inFolder(async (ensure) => {
    const first = await ensure({ clients: [ann] })
    const keyBefore = await readFile(first.server.key, 'utf8')
    const later = await ensure({ now: new Date(Date.now() + 370 * dayMs) })
    expect(issuedOf(later)).toEqual([false, true, true])
    expect(later.server.issueReason).toBe('expires_soon')
    expect(await readFile(first.server.key, 'utf8')).not.toBe(keyBefore)
    const renewed = await ensure({ renew: true })
    expect(issuedOf(renewed)).toEqual([false, true, true])
    expect(renewed.server.issueReason).toBe('renewal_requested')

    await writeFile(first.server.key, await readFile(first.clients[0]?.key ?? ''))
    expect((await ensure()).server.issueReason).toBe('invalid_key_pair')
    await rm(first.server.certificate)
    const restored = await ensure()
    expect(issuedOf(restored)).toEqual([false, true, false])
    expect(restored.server.issueReason).toBe('invalid_key_pair')

    const old = await ensure({ now: new Date(Date.now() + 3300 * dayMs) })
    expect(issuedOf(old)).toEqual([true, true, true])
    expect(old.authority.issueReason).toBe('expires_soon')
    expect(old.server.issueReason).toBe('authority_changed')
  }))

test('does not replace an incomplete authority', () =>
  inFolder(async (ensure) => {
    const { authority } = await ensure()
    const key = await readFile(authority.key)
    await rm(authority.key)
    await expect(ensure()).rejects.toThrow('are not an authority and its key')
    await writeFile(authority.key, key)
    expect(issuedOf(await ensure())).toEqual([false, false, false])
  }))

test('concurrent calls create one authority', () =>
  inFolder(async (ensure) => {
    const [one, other] = await Promise.all([ensure(), ensure()])
    expect([...issuedOf(one), ...issuedOf(other)].filter(Boolean)).toHaveLength(3)
  }))
