import { expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { pause } from '@pixelflow/core/pause'
import { openProcessFixture, type ProcessFixture } from './testing/process-fixture.ts'
import { respondWith } from './testing/stub-actor.ts'

/** Every call is answered in time while the broker responds only for a moment every few seconds. */

/** The limit that docs/operating.md states. */
const maxAnswerMs = 20_000
const frozenMs = 8000
const runningMs = 150
const durationMs = 45_000

let processing: ProcessFixture
useFixture(
  () => openProcessFixture({}),
  (opened) => (processing = opened),
)

interface Answer {
  readonly name: string
  readonly status: number
  readonly tookMs: number
}

test('a broker that freezes repeatedly delays no answer beyond 20 s', async () => {
  const { gateway, photo } = processing
  const { id } = await gateway.image(photo)
  await using _actor = processing.actor(respondWith(photo))
  const large = processing.padded(4 * 2 ** 20)
  const post = (path: string, body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}) =>
    gateway.call(path, {
      method: 'POST',
      body,
      headers: { 'content-type': typeof body === 'string' ? 'application/json' : 'image/jpeg', ...headers },
    })
  const key = () => ({ 'idempotency-key': crypto.randomUUID() })
  const taskBody = JSON.stringify({ image: id, recipe: 'flip' })
  const calls: Record<string, () => Promise<Response>> = {
    upload: () => post('/api/v1/images', large),
    'upload with a key': () => post('/api/v1/images', large, key()),
    'task with a key': () => post('/api/v1/tasks', taskBody, key()),
    process: () => post('/api/v1/process?recipe=flip', photo),
    'process through the store': () => post('/api/v1/process?recipe=flip', large),
    'process asynchronously with a key': () =>
      post('/api/v1/process?recipe=flip', large, { ...key(), prefer: 'respond-async' }),
    'image record': () => gateway.call(`/api/v1/images/${id}`),
  }

  const end = performance.now() + durationMs
  const responses: Answer[] = []
  const repeat = async ([name, call]: [string, () => Promise<Response>]) => {
    while (performance.now() < end) {
      const begun = performance.now()
      const response = await call()
      await response.arrayBuffer()
      responses.push({ name, status: response.status, tookMs: Math.round(performance.now() - begun) })
    }
  }
  // Until the last call is answered: no actor takes tasks here, and only the broker ends the wait for one.
  const ended = new AbortController()
  const flapping = flap(ended.signal)
  await Promise.all(Object.entries(calls).map(repeat))
  ended.abort()
  await flapping

  expect(responses.filter(({ tookMs }) => tookMs > maxAnswerMs)).toEqual([])
  // Some calls waited for a frozen broker, and every error is a 503.
  expect(responses.some(({ tookMs }) => tookMs > frozenMs / 2)).toBe(true)
  expect([...new Set(responses.map(({ status }) => status))].filter((one) => one >= 400)).toEqual([503])
}, 120_000)

async function flap(ended: AbortSignal): Promise<void> {
  const { pid } = processing.gateway.nats
  try {
    while (!ended.aborted) {
      process.kill(pid, 'SIGSTOP')
      await pause(frozenMs, ended)
      process.kill(pid, 'SIGCONT')
      await Bun.sleep(runningMs)
    }
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}
