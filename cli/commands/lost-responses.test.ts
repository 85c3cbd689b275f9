import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { TaskPageView } from '@pixelflow/core/views'
import { startRelay, type Relay } from '@pixelflow/testkit/relay'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { parseNdjson, openCliFixture, type CliFixture } from '../testing/cli-fixture.ts'

/** Commands whose answers are lost create their task or image only once. */

let shell: CliFixture
let http: Relay
let grpc: Relay
beforeAll(async () => {
  shell = await openCliFixture()
  http = await startRelay(Number(new URL(shell.url).port))
  grpc = await startRelay(Number(shell.grpc.split(':').at(-1)))
}, 90_000)
afterAll(async () => {
  await http?.[Symbol.asyncDispose]()
  await grpc?.[Symbol.asyncDispose]()
  await shell?.[Symbol.asyncDispose]()
}, 30_000)

const protocols = [
  ['http', () => http, () => ['-s', `http://127.0.0.1:${http.port}`]],
  ['grpc', () => grpc, () => ['--grpc', `127.0.0.1:${grpc.port}`]],
] as const

async function ids(): Promise<string[]> {
  const answer = await fetch(`${shell.url}/api/v1/tasks?limit=200`)
  return ((await answer.json()) as TaskPageView).items.map(({ id }) => id)
}

/** Runs a command whose connections are cut as soon as the task exists, before the answer arrives. */
async function runCut(relay: Relay, args: readonly string[]) {
  const before = (await ids()).length
  relay.delay(300)
  const running = shell.run(args)
  const created = waitFor(
    'task created',
    async () => (await ids()).length,
    (count) => count > before,
  )
  await Promise.race([created, running])
  relay.cut()
  relay.release()
  const result = await running
  relay.delay(0)
  await created
  return result
}

test.each(protocols)(
  'over %s, a task is retried once',
  async (_, relay, to) => {
    const first = ['process', 'photo.jpg', '-r', 'resize:60', '-o', 'a.jpg', '--json']
    const { id } = parseNdjson((await shell.run(first)).out).at(-1)?.['task'] as { id: string }
    const before = await ids()
    const { code, out, err } = await runCut(relay(), ['tasks', 'retry', id, '--json', ...to()])
    expect([code, err]).toEqual([0, ''])
    expect(await ids()).toEqual([(parseNdjson(out)[0] as { id: string }).id, ...before])
  },
  60_000,
)

test.each(protocols)(
  'over %s, an image is uploaded and processed once',
  async (_, relay, to) => {
    const before = await ids()
    const command = ['process', 'photo.jpg', '-r', 'resize:61', '-o', 'b.jpg', '--json']
    const { code, out } = await runCut(relay(), [...command, ...to()])
    expect(code).toBe(0)
    const { id } = parseNdjson(out).at(-1)?.['task'] as { id: string }
    expect(await ids()).toEqual([id, ...before])
  },
  60_000,
)
