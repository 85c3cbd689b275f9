import { expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { openAccountClient } from './testing/account-client.ts'
import { maxResidentBytes, watchResidentBytes } from './testing/watch-resident-bytes.ts'
import { startFloodProcesses } from './testing/flood-processes.ts'

/** Ends that show that the floods have reached their limits. `frame-floods.test.ts` covers frames. */
const ends = [/^unauthenticated .*: ended$/, /^public .*: ended$/, /^keys to .*: (?:4\d\d|503)$/]
const minRounds = 4
const maxDurationMs = 240_000

/** `./pixelflow bench --parts floods` measures latencies; this test checks that responses arrive, and in order. */
test('under all floods at once, another account is served before the flooding account, within the memory limit', async () => {
  await using stack = await startStack({
    env: {
      PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob',
      // Longer than this test, so that no slow image of ann completes meanwhile.
      PIXELFLOW_PROCESS_TIMEOUT: '10m',
      PIXELFLOW_TASK_TIMEOUT: '10m',
      PIXELFLOW_TASK_CPU_TIME: '10m',
    },
  })
  const [gateway, actor] = await Promise.all([
    // Returns freed pages at once, so that resident memory shows what is in use.
    stack.gateway({ env: { MIMALLOC_PURGE_DELAY: '0' } }),
    stack.actor(),
  ])
  const { grpc: grpcAddress } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  const bob = await openAccountClient(gateway.url, grpcAddress, 'secret-of-bob')
  const memory = watchResidentBytes(gateway.pid)
  await using floods = await startFloodProcesses({
    url: gateway.url,
    grpcAddress,
    token: 'secret-of-ann',
    seconds: 600,
    // The floods use only idle CPU time: the test measures the gateway's work, not theirs.
    isNice: true,
  })

  const ended: TaskView[] = []
  const begin = performance.now()
  const isMet = () => ends.every((end) => floods.met.some((line) => end.test(line)))
  for (let round = 0; round < minRounds || !isMet(); round += 1) {
    if (performance.now() - begin > maxDurationMs)
      throw new Error(`The floods did not reach all of their limits; ends so far: ${floods.met.join('; ')}`)
    await bob.process()
    ended.push(await bob.task())
    const { items } = await bob.list()
    expect(items.map(({ id }) => id)).toEqual(
      ended
        .map(({ id }) => id)
        .reverse()
        .slice(0, 20),
    )
    await bob.version()
    await bob.getTask()
  }
  expect(await memory.stop()).toBeLessThan(maxResidentBytes)

  // All floods were still running, and bob's tasks did not wait for ann's.
  const headers = { authorization: 'Bearer secret-of-ann' }
  const response = await fetch(`${gateway.url}/api/v1/tasks?status=completed`, { headers })
  expect(((await response.json()) as { items: unknown[] }).items).toEqual([])
  await floods.stop()
  expect(actor.lines.some(hasMessage('work preempted for another account'))).toBe(true)
}, 360_000)
