import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openHttp } from '@pixelflow/client'
import { createEvent } from '@pixelflow/core/event'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleDeadLetter } from '@pixelflow/testkit/contracts/dead-letters'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { parseNdjson, pixelflow } from '../testing/cli-fixture.ts'

let stack: Stack
let gateway: GatewayProcess
beforeAll(async () => {
  stack = await startStack()
  const tokens = { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,root:secret-of-root:admin' }
  gateway = await stack.gateway({ env: tokens })
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose](), 30_000)

async function run(token: string, ...args: readonly string[]) {
  const { PATH, HOME, PIXELFLOW_CACHE_DIR } = process.env
  const child = Bun.spawn([pixelflow, 'admin', ...args], {
    env: { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_URL: gateway.url, PIXELFLOW_TOKEN: token },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, err }
}

/** A dead letter, as an actor stores it. */
async function giveUp(task: string): Promise<void> {
  const settings = readSettings(natsSettings, stack.nats.env)
  const log = createLogger({ service: 'test', level: 'error' })
  await using adapters = await openAdapters({ settings, name: 'test', log })
  const fault = { code: 'storage_failed', detail: 'No answer.' } as const
  const internalCause = 'Error: disk 7 is away\n    at the wheel'
  await adapters.deadLetters.put(
    sampleDeadLetter({ account: 'ann', task, fault, internalCause, attempts: 2 }),
  )
  const last = await adapters.events.last('ann', task)
  if (last === null) throw new Error('no such task')
  const failed = { status: 'failed', attempt: 2, fault } as const
  await appendEvent(adapters.events, createEvent('failed', last.event.task, failed, new Date()), last.seq)
}

test('only operators can list, show, replay and delete dead letters', async () => {
  await using ann = openHttp({ url: gateway.url, token: 'secret-of-ann' })
  const { id: image } = await ann.upload(Uint8Array.from(await sampleImage({ width: 300, height: 200 })))
  const task = await ann.createTask(image, 'resize:100')
  await giveUp(task.id)

  const id = `transform.ann.${task.id}`
  const list = await run('secret-of-root', 'dead')
  expect([list.code, list.out]).toEqual([0, expect.stringContaining(`${id}  storage_failed`)])
  const details = await run('secret-of-root', 'dead', 'show', id)
  expect(details.out).toContain('after 2 attempts, the last by host.1')
  expect(details.out).toContain(`${task.id} of account ann`)
  expect(details.out).toContain('cause    Error: disk 7 is away\ncause        at the wheel')

  const replayed = parseNdjson((await run('secret-of-root', 'dead', 'replay', id, '--json')).out)[0] as {
    replay: { task: string }
  }
  expect(await ann.task(replayed.replay.task)).toMatchObject({ status: 'queued', image, retryOf: task.id })
  expect((await run('secret-of-root', 'dead', 'list', '--account', 'ann')).out).toContain('replayed')

  const deleted = await run('secret-of-root', 'dead', 'delete', id, '--json')
  expect([deleted.code, parseNdjson(deleted.out)]).toEqual([0, [{ id, deleted: true }]])
  expect((await run('secret-of-root', 'dead', 'drop', id)).err).toContain('does not exist')
  expect((await run('secret-of-root', 'dead', 'show', id)).code).toBe(1)
  expect((await run('secret-of-ann', 'dead')).code).toBe(4)
  expect((await run('secret-of-root', '--help')).out).toContain('Examples:')
  expect((await run('secret-of-root', 'dead', 'show')).err).toContain('./pixelflow admin dead show --help')
}, 60_000)
