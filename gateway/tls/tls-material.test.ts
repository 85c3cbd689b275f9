import { describe, expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueClient, issueServer } from '@pixelflow/cli/certs/issue'
import { readConfig } from '../config.ts'
import {
  futureValidity,
  serverHosts,
  createTestCertificates,
  expiredValidity,
  type TestCertificates,
} from '../testing/test-certificates.ts'

const CERT = 'PIXELFLOW_TLS_CERT_FILE'
const KEY = 'PIXELFLOW_TLS_KEY_FILE'
const CA = 'PIXELFLOW_TLS_CLIENT_CA_FILE'

let certificates: TestCertificates
let serial = 0
useFixture(createTestCertificates, (opened) => (certificates = opened))

/** The path of a file with this text. */
async function fileWith(text: string): Promise<string> {
  const path = join(certificates.folder, `made-${(serial += 1)}.pem`)
  await writeFile(path, text)
  return path
}

test('valid files are read, and client certificates are then required', () => {
  const { tls } = readConfig(certificates.env)
  expect(tls).toMatchObject({ clientAuth: 'require', reloadIntervalMs: 100 })
  expect(tls?.first).toMatchObject({
    subject: 'CN=PixelFlow gateway',
    ca: certificates.authority.certificate,
  })
  expect(readConfig({ ...certificates.env, PIXELFLOW_TLS_CLIENT_AUTH: 'optional' }).tls?.clientAuth).toBe(
    'optional',
  )
  expect(readConfig({ ...certificates.env, [CA]: undefined }).tls?.clientAuth).toBe('none')
  expect(readConfig({}).tls).toBeUndefined()
})

test('with client certificates the gateway may listen on a public address', () => {
  expect(readConfig({ ...certificates.env, PIXELFLOW_HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
  expect(() => readConfig({ ...certificates.env, [CA]: undefined, PIXELFLOW_HOST: '0.0.0.0' })).toThrow(
    'neither tokens nor client certificates',
  )
})

describe('the start fails with the variable, the problem and the remedy', () => {
  test.each<[string, () => Promise<Record<string, string | undefined>>, string, RegExp]>([
    ['no key', async () => ({ [KEY]: undefined }), CERT, /is set, and PIXELFLOW_TLS_KEY_FILE is not/],
    [
      'no certificate',
      async () => ({ [CERT]: undefined }),
      KEY,
      /is set, and PIXELFLOW_TLS_CERT_FILE is not/,
    ],
    [
      'authorities alone',
      async () => ({ [CERT]: undefined, [KEY]: undefined }),
      CA,
      /is not\. .*pixelflow certs/,
    ],
    [
      'client certificates without authorities',
      async () => ({ [CA]: undefined, PIXELFLOW_TLS_CLIENT_AUTH: 'require' }),
      'PIXELFLOW_TLS_CLIENT_AUTH',
      /is set, and PIXELFLOW_TLS_CLIENT_CA_FILE is not/,
    ],
    [
      'a missing certificate',
      async () => ({ [CERT]: '/none' }),
      CERT,
      /cannot be read \(ENOENT\)\. Give a file/,
    ],
    ['a missing key', async () => ({ [KEY]: '/none' }), KEY, /cannot be read \(ENOENT\)/],
    ['missing authorities', async () => ({ [CA]: '/none' }), CA, /cannot be read \(ENOENT\)/],
    ['a folder', async () => ({ [CERT]: certificates.folder }), CERT, /cannot be read \(EISDIR\)/],
    ['no PEM', async () => ({ [CERT]: await fileWith('nothing') }), CERT, /holds no certificate/],
    [
      'a truncated certificate',
      async () => ({ [CERT]: await fileWith(certificates.server.certificate.replace(/\n.*\n/, '\n')) }),
      CERT,
      /damaged certificate \(number 1\)/,
    ],
    [
      'a key file without a key',
      async () => ({ [KEY]: await fileWith(certificates.server.certificate) }),
      KEY,
      /no readable private key/,
    ],
    [
      'an encrypted key',
      async () => ({
        [KEY]: await fileWith(
          '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n',
        ),
      }),
      KEY,
      /needs a passphrase/,
    ],
    [
      'the key of another certificate',
      async () => ({ [KEY]: await fileWith(certificates.authority.key) }),
      KEY,
      /is not the key of the certificate\. Give the key that belongs to PIXELFLOW_TLS_CERT_FILE=/,
    ],
    [
      'authorities that are not authorities',
      async () => ({
        [CA]: await fileWith(certificates.authority.certificate + certificates.server.certificate),
      }),
      CA,
      /holds a certificate that is not of an authority \(CN=PixelFlow gateway\)/,
    ],
    ['no authority', async () => ({ [CA]: await fileWith('') }), CA, /holds no certificate/],
  ])('%s', async (_, change, variable, problem) => {
    const env = { ...certificates.env, ...(await change()) }
    expect(() => readConfig(env)).toThrow(problem)
    expect(() => readConfig(env)).toThrow(new RegExp(`^${variable}`))
  })

  test.each([
    ['has expired', expiredValidity, /holds a certificate that expired on \d{4}-/],
    ['is not valid yet', futureValidity, /holds a certificate that is not valid before \d{4}-\d\d-\d\dT/],
  ])('a certificate that %s', async (_, validity, problem) => {
    const { certificate, key } = await issueServer(certificates.authority, serverHosts, validity)
    const env = { ...certificates.env, [CERT]: await fileWith(certificate), [KEY]: await fileWith(key) }
    expect(() => readConfig(env)).toThrow(problem)
  })

  test('a certificate for clients', async () => {
    const { certificate, key } = await issueClient(certificates.authority, { name: 'ann', account: 'ann' })
    const env = { ...certificates.env, [CERT]: await fileWith(certificate), [KEY]: await fileWith(key) }
    expect(() => readConfig(env)).toThrow(/is not for servers/)
  })

  test('a file of another user', async () => {
    const path = await fileWith(certificates.server.key)
    await chmod(path, 0o000)
    // Root can read it.
    const problem = process.getuid?.() === 0 ? undefined : /EACCES/
    const read = () => readConfig({ ...certificates.env, [KEY]: path })
    if (problem) expect(read).toThrow(problem)
    else expect(read().tls).toBeDefined()
  })
})
