import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import type { ScenarioOptions } from './grpcurl/scenario-context.ts'
import { root, type Program } from './scenario-table.ts'
import { clientPrograms } from './client-programs.ts'
import { runProgram } from './run-program.ts'

/** The real processes, with separate accounts for each program, so that the programs can run at the same time. */
export interface ScenarioServer {
  /** Flags of a program in another language. */
  flags(program: Program): string[]
  /** Options of the grpcurl scenarios. */
  grpcurlOptions(): Promise<ScenarioOptions>
}

const accountsOf = (program: Program) => ({
  ann: `${program.toLowerCase()}-ann`,
  bob: `${program.toLowerCase()}-bob`,
})
const tokenOf = (name: string) => `token-of-${name}`

/** Clients authenticate with tokens, or with certificates (mutual TLS). */
export async function startScenarioServer(
  scope: AsyncDisposableStack,
  credentials: 'tokens' | 'certificates',
): Promise<ScenarioServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-grpc-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const photo = join(folder, 'photo.jpg')
  const bytes = await sampleImage({ width: 640, height: 480 })
  await Bun.write(photo, bytes)
  const names = (['Python', 'Go', 'grpcurl'] as const).flatMap((one) => Object.values(accountsOf(one)))
  const certs = join(folder, 'certs')
  const untrusted = join(folder, 'untrusted')

  const stack = scope.use(await startStack({ env: await settings() }))
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { url, grpc: address } = JSON.parse(await gateway.line(hasMessage('ready'))) as {
    url: string
    grpc: string
  }

  return {
    flags(program) {
      const { ann, bob } = accountsOf(program)
      const credentialFlags =
        credentials === 'tokens'
          ? ['--token', tokenOf(ann), '--other-token', tokenOf(bob)]
          : ['--certs', certs, '--untrusted', untrusted, '--ann', ann, '--bob', bob]
      return ['--address', address, '--http', url, '--photo', photo, ...credentialFlags]
    },
    async grpcurlOptions() {
      const program = await clientPrograms.grpcurl()
      const { ann, bob } = accountsOf('grpcurl')
      if (credentials === 'tokens') {
        const plain = { program, address, connection: ['-plaintext'] }
        const accounts = { ann: { ...plain, token: tokenOf(ann) }, bob: { ...plain, token: tokenOf(bob) } }
        return { ...accounts, publicCaller: plain, unauthenticated: plain, photo: bytes }
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
    // Each program may have a slow task running at the same time.
    const limits = {
      PIXELFLOW_MAX_UPLOAD_BYTES: '8MiB',
      PIXELFLOW_INLINE_MAX_BYTES: '1MiB',
      PIXELFLOW_ACTOR_CONCURRENCY: '4',
    }
    if (credentials === 'tokens') {
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

/** Creates certificates with `./pixelflow certs`. */
async function createTestCertificates(folder: string, names: readonly string[]): Promise<void> {
  const clients = names.flatMap((name) => ['--client', name])
  const command = [process.execPath, join(root, 'cli/main.ts'), 'certs', '--dir', folder, ...clients]
  const { code, errors } = await runProgram(command)
  if (code !== 0) throw new Error(`pixelflow certs failed:\n${errors}`)
}
