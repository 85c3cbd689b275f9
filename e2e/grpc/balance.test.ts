import { expect, test } from 'bun:test'
import { freePort } from '@pixelflow/testkit/port'
import { launch } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { startNames } from './names.ts'
import { goScenarios } from './workshop.ts'

/** What the Go client says five times a second. */
interface Tally {
  /** Calls by the address that has answered. */
  readonly answered: Readonly<Record<string, number>>
  readonly failed: readonly string[]
}

/** As many as the Go client has. */
const callersAtOnce = 8

test('calls go to every gateway behind a name, and go on when one of them is killed, comes back, or stops', async () => {
  const port = await freePort()
  const [first, second] = [`127.0.0.1:${port}`, `127.0.0.2:${port}`] as const
  await using stack = await startStack({
    env: { PIXELFLOW_API_TOKENS: 'ann:token-of-ann', PIXELFLOW_GRPC_PORT: String(port) },
  })
  const start = (host: string) =>
    stack.gateway({ env: { PIXELFLOW_HOST: host, PIXELFLOW_GRPC_PORT: String(port) } })
  const [victim, other] = await Promise.all([start('127.0.0.1'), start('127.0.0.2')])
  await using names = await startNames(['127.0.0.1', '127.0.0.2'])
  const target = `dns://${names.address}/gateways.pixelflow.test:${port}`
  await using client = launch({
    command: [await goScenarios(), '-load', target, '-token', 'token-of-ann'],
  })

  /** Waits until this many more calls than by now have been answered by an address. */
  async function more(address: string, count: number): Promise<void> {
    const from = latest()?.answered[address] ?? 0
    await client.line((line) => (read(line)?.answered[address] ?? 0) >= from + count)
  }
  const latest = () => read(client.lines.at(-1) ?? '')

  await Promise.all([more(first, 200), more(second, 200)])
  victim.signal('SIGKILL')
  await victim.exited
  await more(second, 500)
  // A call whose answer had begun is not retried automatically, because the caller may have used a part of the answer.
  const cutOff = latest()?.failed ?? []
  expect(cutOff.length).toBeLessThanOrEqual(callersAtOnce)
  for (const why of cutOff) expect(why).toStartWith('Unavailable')
  await start('127.0.0.1')
  await more(first, 200)
  // A gateway that is told to stop lets calls end and sends its clients elsewhere.
  other.signal('SIGTERM')
  expect(await other.exited).toBe(0)
  await more(first, 500)

  client.signal('SIGTERM')
  expect(await client.exited).toBe(0)
  expect(latest()?.failed).toEqual(cutOff)
}, 90_000)

function read(line: string): Tally | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as Tally) : undefined
}
