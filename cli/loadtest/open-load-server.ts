import { scenarios, type LoadScenario, type ScenarioName } from '@pixelflow/loadtest/scenarios'
import type { LoadServer } from '@pixelflow/loadtest/runners/load-run'
import { certificatesOf } from '../commands/server-flags.ts'
import { defaultGrpcAddresses, readGrpcAddresses } from '../client/grpc-addresses.ts'
import { openClient } from '../client/open-client.ts'
import type { Context } from '../context.ts'
import { acquireTestServer } from '../stack/acquire-test-server.ts'
import { printNote } from '../terminal/print-note.ts'
import type { LoadtestFlags } from './read-loadtest-options.ts'

const checkTimeoutMs = 10_000

/**
 * Finds or starts the server of a load test, and checks that it accepts the credentials, so that a wrong address or token is
 * one error and not thousands of failed checks.
 *
 * @throws CliError `unreachable` or `denied`.
 */
export async function openLoadServer(
  scenario: ScenarioName,
  flags: LoadtestFlags,
  context: Context,
): Promise<LoadServer & AsyncDisposable> {
  const { config, interrupts } = context
  const certificates = certificatesOf(context, { ...flags, grpc: true })
  const token = flags.token ?? config.token
  const acquired = await acquireTestServer({
    config,
    server: flags.server,
    certificates,
    signal: interrupts.signal,
    say: printNote,
  })
  try {
    const { url } = acquired
    const named = flags.grpc?.split(',') ?? config.grpcUrl ?? (acquired.grpc && [acquired.grpc])
    const grpc = named ? readGrpcAddresses(named) : defaultGrpcAddresses(url, config.grpcPort)
    const isGrpcEncrypted = grpc.isEncrypted ?? url.startsWith('https:')
    const connection = { url, token, certificates, signal: interrupts.signal }
    await using client = await openClient(connection)
    const { version } = await client.settings({ timeoutMs: checkTimeoutMs })
    await client.taskPage({ limit: 1 }, { timeoutMs: checkTimeoutMs })
    const { isGrpc }: LoadScenario = scenarios[scenario]
    if (isGrpc) {
      const addresses = { ...grpc, isEncrypted: isGrpcEncrypted }
      await using rpcClient = await openClient({ ...connection, grpc: addresses })
      await rpcClient.taskPage({ limit: 1 }, { timeoutMs: checkTimeoutMs })
    }
    return {
      url,
      grpcAddresses: grpc.addresses,
      isGrpcEncrypted,
      version,
      token,
      certificates,
      [Symbol.asyncDispose]: () => acquired[Symbol.asyncDispose](),
    }
  } catch (error) {
    await acquired[Symbol.asyncDispose]()
    throw error
  }
}
