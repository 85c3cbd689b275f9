import { expect, test } from 'bun:test'
import { freePort } from '@pixelflow/testkit/port'
import { launch } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { startNameServer } from './name-server.ts'
import { clientPrograms } from './client-programs.ts'

/** What the Go client prints five times a second. */
interface LoadReport {
  /** Number of answered calls by server address. */
  readonly answered: Readonly<Record<string, number>>
  readonly failed: readonly string[]
}

/** Number of concurrent calls of the Go client. */
const concurrentCalls = 8

test('calls reach every gateway behind a name, and continue when one of them is killed, restarted or stopped', async () => {
  const port = await freePort()
  const [first, second] = [`127.0.0.1:${port}`, `127.0.0.2:${port}`] as const
  await using stack = await startStack({
    env: { PIXELFLOW_API_TOKENS: 'ann:token-of-ann', PIXELFLOW_GRPC_PORT: String(port) },
  })
  const start = (host: string) =>
    stack.gateway({ env: { PIXELFLOW_HOST: host, PIXELFLOW_GRPC_PORT: String(port) } })
  const [firstGateway, secondGateway] = await Promise.all([start('127.0.0.1'), start('127.0.0.2')])
  await using names = await startNameServer(['127.0.0.1', '127.0.0.2'])
  const target = `dns://${names.address}/gateways.pixelflow.test:${port}`
  await using client = launch({
    command: [await clientPrograms.goScenarios(), '-load', target, '-token', 'token-of-ann'],
  })

  /** Waits until an address has answered this many further calls. */
  async function waitForResponses(address: string, count: number): Promise<void> {
    const from = latest()?.answered[address] ?? 0
    await client.line((line) => (parseReport(line)?.answered[address] ?? 0) >= from + count)
  }
  const latest = () => parseReport(client.lines.at(-1) ?? '')

  await Promise.all([waitForResponses(first, 200), waitForResponses(second, 200)])
  firstGateway.signal('SIGKILL')
  await firstGateway.exited
  await waitForResponses(second, 500)
  // A call whose answer has begun is not retried automatically, because the caller may have used a part of it.
  const interrupted = latest()?.failed ?? []
  expect(interrupted.length).toBeLessThanOrEqual(concurrentCalls)
  for (const why of interrupted) expect(why).toStartWith('Unavailable')
  await start('127.0.0.1')
  await waitForResponses(first, 200)
  // A gateway that is draining completes its calls and sends its clients to other gateways.
  secondGateway.signal('SIGTERM')
  expect(await secondGateway.exited).toBe(0)
  await waitForResponses(first, 500)

  client.signal('SIGTERM')
  expect(await client.exited).toBe(0)
  expect(latest()?.failed).toEqual(interrupted)
}, 90_000)

function parseReport(line: string): LoadReport | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as LoadReport) : undefined
}
