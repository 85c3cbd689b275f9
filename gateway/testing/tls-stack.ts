import type { IssuedCertificate } from '@pixelflow/cli/certs/issue'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { grpcClient, type GrpcClient } from './grpc-client.ts'
import { createTestCertificates, grpcCredentials, type TestCertificates } from './test-certificates.ts'

/** The shipped processes with a gateway that uses TLS. */
export interface TlsStack extends AsyncDisposable {
  readonly certificates: TestCertificates
  /** Client certificate of the account `ann`. */
  readonly ann: IssuedCertificate
  readonly stack: Stack
  readonly gateway: GatewayProcess
  /** URL of the HTTP port, with `https:`. */
  readonly url: string
  readonly grpcPort: number
  /** Opens a client of the gRPC port, or of a proxy of it, as `ann`. */
  client(port?: number): GrpcClient
}

export async function startTlsStack(): Promise<TlsStack> {
  await using parts = new AsyncDisposableStack()
  const certificates = parts.use(await createTestCertificates())
  const ann = await certificates.client('ann')
  const stack = parts.use(await startStack())
  const gateway = await stack.gateway({ env: certificates.env })
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  const grpcPort = Number(grpc.split(':')[1])
  const owned = parts.move()
  return {
    certificates,
    ann,
    stack,
    gateway,
    url: gateway.url.replace('http:', 'https:'),
    grpcPort,
    client: (port = grpcPort) =>
      grpcClient(`localhost:${port}`, {}, grpcCredentials(certificates.authority, ann)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
