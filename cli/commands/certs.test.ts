import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { hasMessage } from '@pixelflow/testkit/process'
import { pixelflow, startUpProcess } from '../testing/cli-fixture.ts'

/** Creates certificates, starts a server with them, and processes an image over TLS, as the commands print it. */

let home: string
let base: Record<string, string>
/** The settings of the gateway that `certs --json` prints. */
let settings: Record<string, string>
let client: { certificate: string; key: string }
let authority: string

const runProgram = async (args: readonly string[], env: Record<string, string> = {}) => {
  const { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_NATS_SERVER_PATH } = process.env
  const child = Bun.spawn([...args], {
    cwd: home,
    env: { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_NATS_SERVER_PATH, ...base, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, err }
}
const run = (args: readonly string[], env?: Record<string, string>) => runProgram([pixelflow, ...args], env)

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-certs-'))
  await Bun.write(join(home, 'photo.jpg'), await sampleImage({ width: 900, height: 600 }))
  base = {
    PIXELFLOW_HTTP_PORT: String(await freePort()),
    PIXELFLOW_GRPC_PORT: String(await freePort()),
    PIXELFLOW_DATA_DIR: join(home, 'data'),
  }
  const { out } = await run(['certs', '--client', 'ann', '--json'])
  const created = JSON.parse(out) as {
    settings: typeof settings
    clients: [typeof client & { name: string; account: string; issueReason: string }]
    authority: { certificate: string }
  }
  ;({ settings } = created)
  ;[client] = created.clients
  authority = created.authority.certificate
}, 60_000)
afterAll(() => rm(home, { recursive: true, force: true }))

const trusting = () => ({ PIXELFLOW_CA_FILE: authority })
const known = () => ({
  ...trusting(),
  PIXELFLOW_CLIENT_CERT_FILE: client.certificate,
  PIXELFLOW_CLIENT_KEY_FILE: client.key,
})
const url = () => `https://localhost:${base['PIXELFLOW_HTTP_PORT']}`

describe('certs', () => {
  test('keeps existing certificates and shows how to use them', async () => {
    const { code, out } = await run(['certs'])
    expect(code).toBe(0)
    expect(out).toContain('kept    data/certs/ca.crt  authority; expires ')
    expect(out).toContain('client of account ann')
    for (const [name, path] of Object.entries(settings)) {
      expect(out).toContain(`${name}=${path.slice(home.length + 1)} \\`)
    }
    expect(out).toMatch(/grpcurl -cacert \S+ -cert \S+ -key \S+ localhost:\d+ list/)
  }, 20_000)

  test.each([
    [['--client', 'Ann'], '--client Ann does not contain a valid account.'],
    [['--client', '../ann:ann'], '--client ../ann:ann is not a valid client name.'],
    [['--client', 'a:b:c'], '--client a:b:c is not a valid client name.'],
    [['--host', 'https://px.example'], '--host https://px.example is neither a DNS name nor an IP address.'],
    [['--host', '1.2.3'], '--host 1.2.3 is neither a DNS name nor an IP address.'],
    [['--dir', 'photo.jpg/x'], 'cannot be created'],
  ])(
    'refuses %p',
    async (args, problem) => {
      const { code, err } = await run(['certs', ...args])
      expect(err).toContain(problem)
      expect(code).toBe(2)
    },
    20_000,
  )
})

describe('the certificate options of a command', () => {
  test.each([
    ['--ca photo.jpg', '--ca', 'photo.jpg contains no certificate.'],
    ['--cert photo.jpg --key CLIENT_KEY', '--cert', 'photo.jpg contains no certificate.'],
    ['--cert CLIENT_CERT --key photo.jpg', '--key', 'photo.jpg contains no private key.'],
    ['--cert CLIENT_CERT --key SERVER_KEY', '--key', 'The key SERVER_KEY does not belong to CLIENT_CERT.'],
  ])('are checked before the call: %s', async (options, field, problem) => {
    const withPaths = (text: string) =>
      text
        .replace('CLIENT_CERT', client.certificate)
        .replace('CLIENT_KEY', client.key)
        .replace('SERVER_KEY', settings['PIXELFLOW_TLS_KEY_FILE'] ?? '')
    const { code, err } = await run(['tasks', '--server', url(), ...withPaths(options).split(' ')])
    expect(err).toContain(`error: ${withPaths(problem)}\n  field    ${field}\n  remedy   Give `)
    expect(code).toBe(2)
  })
})

describe('a stack with these settings', () => {
  test('accepts the calls that certs prints', async () => {
    await using running = await startUpProcess({
      ...base,
      ...settings,
      PIXELFLOW_TLS_RELOAD_INTERVAL: '200ms',
    })
    expect(running.lines.join('\n')).toContain(`"url":"https://127.0.0.1:${base['PIXELFLOW_HTTP_PORT']}"`)

    const lines = (await run(['certs'])).out.split('\n')
    const [curl = ''] = lines.filter((line) => line.startsWith('  curl '))
    expect(JSON.parse((await runProgram(['sh', '-c', curl])).out)).toEqual({ items: [], next: null })
    const [own = ''] = lines.filter((line) => line.startsWith('  ./pixelflow tasks '))
    expect((await runProgram(['sh', '-c', own.replace('./pixelflow', pixelflow)])).out).toBe('No tasks.\n')

    const process_ = ['process', 'photo.jpg', '-r', 'resize:90/format:png']
    for (const [way, output] of [
      [['--server', url()], 'http.png'],
      [['--grpc', '--server', url()], 'grpc.png'],
      // An IP address is not sent as the server name (SNI), although the certificate contains it.
      [['--grpc', '--server', url().replace('localhost', '127.0.0.1')], 'address.png'],
    ] as const) {
      const { code, err } = await run([...process_, ...way, '-o', output], known())
      expect(err).not.toContain('error')
      expect(code).toBe(0)
      expect(await Bun.file(join(home, output)).exists()).toBe(true)
    }
    const tasks = JSON.parse((await run(['tasks', '--json', '--server', url()], known())).out) as {
      items: object[]
    }
    expect(tasks.items).toHaveLength(3)

    const untrusting = await run(['tasks', '--server', url()])
    expect([untrusting.code, untrusting.err]).toEqual([3, expect.stringContaining('PIXELFLOW_CA_FILE')])
    const unknown = await run(['tasks', '--server', url()], trusting())
    expect([unknown.code, unknown.err]).toEqual([4, expect.stringContaining('PIXELFLOW_CLIENT_CERT_FILE')])
    const plain = await run(['tasks', '--server', url().replace('https', 'http')])
    expect([plain.code, plain.err]).toEqual([3, expect.stringContaining('https://')])
    // Without --server, the error contains the address of the running server.
    const withoutServer = await run([...process_, '-o', 'none.png'])
    expect([withoutServer.code, withoutServer.err]).toEqual([
      3,
      expect.stringContaining('--ca or PIXELFLOW_CA_FILE'),
    ])

    expect((await run(['certs', '--renew'])).out).toContain('You requested it with --renew.')
    await running.line(hasMessage('TLS files reloaded'))
    expect((await runProgram(['sh', '-c', curl])).code).toBe(0)
  }, 90_000)

  test('can be a temporary server', async () => {
    const env = { ...settings, ...known() }
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'resize:80', '-o', 'alone.jpg'], env)
    expect(err).toContain('no server is reachable at https://127.0.0.1')
    expect(err).toContain('stopped the temporary server')
    expect(code).toBe(0)
  }, 90_000)
})
