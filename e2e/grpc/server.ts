import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { says } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import type { BenchOptions } from './bench.ts'
import { root, type Program } from './document.ts'
import { grpcurl } from './workshop.ts'

/** The shipped processes, and accounts of its own for each program, so that they can run at the same time. */
export interface Served {
  /** Flags of the programs in other languages. */
  flags(program: Program): string[]
  /** Who grpcurl is. */
  callers(): Promise<BenchOptions>
}

const people = (program: Program) => ({
  ann: `${program.toLowerCase()}-ann`,
  bob: `${program.toLowerCase()}-bob`,
})
const tokenOf = (name: string) => `token-of-${name}`

/** Who calls is told by tokens, or by certificates that both sides demand. */
export async function serve(scope: AsyncDisposableStack, by: 'tokens' | 'certificates'): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-grpc-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const photo = join(folder, 'photo.jpg')
  const bytes = await sampleImage({ width: 640, height: 480 })
  await Bun.write(photo, bytes)
  const names = (['Python', 'Go', 'grpcurl'] as const).flatMap((one) => Object.values(people(one)))
  const certs = join(folder, 'certs')
  const untrusted = join(folder, 'untrusted')

  const stack = scope.use(await startStack({ env: await settings() }))
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { url, grpc: address } = JSON.parse(await gateway.line(says('ready'))) as {
    url: string
    grpc: string
  }

  return {
    flags(program) {
      const { ann, bob } = people(program)
      const who =
        by === 'tokens'
          ? ['--token', tokenOf(ann), '--other-token', tokenOf(bob)]
          : ['--certs', certs, '--untrusted', untrusted, '--ann', ann, '--bob', bob]
      return ['--address', address, '--http', url, '--photo', photo, ...who]
    },
    async callers() {
      const program = await grpcurl()
      const { ann, bob } = people('grpcurl')
      if (by === 'tokens') {
        const plain = { program, address, connection: ['-plaintext'] }
        const known = { ann: { ...plain, token: tokenOf(ann) }, bob: { ...plain, token: tokenOf(bob) } }
        return { ...known, publicCaller: plain, unauthenticated: plain, photo: bytes }
      }
      const caller = (ca: string, own?: string) => ({
        program,
        address,
        connection: [
          '-cacert',
          ca,
          ...(own === undefined ? [] : ['-cert', `${own}.crt`, '-key', `${own}.key`]),
        ],
      })
      const [ca, otherCa] = [join(certs, 'ca.crt'), join(untrusted, 'ca.crt')]
      const client = (of: string, name: string) => join(of, 'clients', name)
      return {
        ann: caller(ca, client(certs, ann)),
        bob: caller(ca, client(certs, bob)),
        publicCaller: caller(ca, client(certs, ann)),
        unauthenticated: caller(ca),
        untrusted: {
          wrongCertificate: caller(ca, client(untrusted, ann)),
          wrongServer: caller(otherCa, client(certs, ann)),
        },
        photo: bytes,
      }
    },
  }

  async function settings(): Promise<Record<string, string>> {
    // Several tasks that take long run at once, each of another program.
    const limits = {
      PIXELFLOW_MAX_UPLOAD_BYTES: '8MiB',
      PIXELFLOW_INLINE_MAX_BYTES: '1MiB',
      PIXELFLOW_ACTOR_CONCURRENCY: '4',
    }
    if (by === 'tokens') {
      return { ...limits, PIXELFLOW_API_TOKENS: names.map((name) => `${name}:${tokenOf(name)}`).join(',') }
    }
    await Promise.all([createTestCertificates(certs, names), createTestCertificates(untrusted, names)])
    return {
      ...limits,
      PIXELFLOW_TLS_CERT_FILE: join(certs, 'server.crt'),
      PIXELFLOW_TLS_KEY_FILE: join(certs, 'server.key'),
      PIXELFLOW_TLS_CLIENT_CA_FILE: join(certs, 'ca.crt'),
    }
  }
}

/** As people make them. */
async function createTestCertificates(folder: string, names: readonly string[]): Promise<void> {
  const clients = names.flatMap((name) => ['--client', name])
  const command = [process.execPath, join(root, 'cli/main.ts'), 'certs', '--dir', folder, ...clients]
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [code, errors] = await Promise.all([child.exited, child.stderr.text(), child.stdout.text()])
  if (code !== 0) throw new Error(`pixelflow certs failed:\n${errors}`)
}
