import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Lease } from '@pixelflow/core/ports/queue'
import type { SpanRecord } from '@pixelflow/platform/telemetry/tracing/span-record'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { startTracing } from '@pixelflow/platform/telemetry/tracing/tracing'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useActorCluster, type ActorCluster } from '../testing/actor-cluster.ts'
import { startAttemptSpan } from './start-attempt-span.ts'
import { startTestRuntime } from '../testing/start-test-runtime.ts'

/** The spans of attempts, with a real broker. */

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const accepted = parseTraceparent(traceparent)
let cluster: ActorCluster
useActorCluster((opened) => (cluster = opened))
let spans: SpanRecord[]
let tracing: Disposable

beforeEach(() => {
  spans = []
  const isSampled = () => true
  tracing = startTracing({ isSampled, recordsAll: true, record: (span) => void spans.push(span) })
})
afterEach(() => tracing[Symbol.dispose]())

const named = (name: string) => spans.filter((span) => span.name === name)

test('a second attempt is in the trace of its task, and links to the first one', async () => {
  let runs = 0
  await using _ = startTestRuntime(cluster, async ({ time, report }) => {
    runs += 1
    await time('fetch', Bun.sleep(2))
    report('fetched', { progress: 40 })
    if (runs === 1) throw new Fault('unavailable', 'Not now.', { remedy: 'Wait.', retryAfterMs: 10 })
  })
  const task = await cluster.submit(Bun.randomUUIDv7(), 'flip', { traceparent })
  await cluster.end(task)
  await waitFor('both attempts recorded', () => named('attempt transform').length === 2)

  const [first, second] = named('attempt transform')
  expect(first).toMatchObject({ parentSpanId: accepted?.spanId, error: 'Not now.', links: [] })
  expect(second).toMatchObject({
    parentSpanId: accepted?.spanId,
    error: undefined,
    attributes: { 'pixelflow.task.id': task.id, 'pixelflow.task.attempt': 2 },
  })
  // The link names the append of the first attempt's last event, which is within that attempt.
  const linked = named('append event').find(({ context }) => context.spanId === second?.links[0]?.spanId)
  expect(linked?.parentSpanId).toBe(first?.context.spanId as string)
  expect(named('fetch source').map(({ parentSpanId }) => parentSpanId)).toEqual([
    first?.context.spanId,
    second?.context.spanId,
  ])
  for (const wait of named('queue wait')) {
    expect(wait.parentSpanId).toBe(accepted?.spanId as string)
    expect(wait.endMs).toBeGreaterThanOrEqual(wait.startMs)
  }
  const others = spans.filter(({ context }) => context.traceId !== accepted?.traceId)
  // The test submits the job without a call.
  expect(others.map(({ name }) => name)).toEqual(['submit job'])
  const line = cluster.lines.find((one) => one.includes('task completed') && one.includes(task.id))
  expect(JSON.parse(line ?? '{}')).toMatchObject({ traceId: accepted?.traceId })
})

const submittedMs = 1_796_079_050_000
const leasedMs = submittedMs + 10_000
const job = { kind: 'transform', lane: 'interactive', account: 'ann', task: 'one', stage: 'all' } as const

/** The wait before an attempt whose lease and last event are given. */
function waitBefore(lease: { attempt: number; ageMs: number }, last: { attempt: number; storedMs: number }) {
  const event = { task: { id: 'one', traceparent, attempt: last.attempt } }
  const from = { seq: 1, storedAt: new Date(last.storedMs), event } as unknown as StoredEvent
  startAttemptSpan({ ...lease, job } as unknown as Lease, from, { leasedMs, attempt: last.attempt + 1 }).end()
  const [wait] = spans
  return { name: wait?.name, startMs: wait?.startMs, endMs: wait?.endMs }
}

test.each([
  ['a first attempt', [1, 10_000], [0, 0], 'queue wait', 0],
  ['a first attempt, with a clock of the broker that is ahead', [1, -3], [0, 0], 'queue wait', 10_000],
  ['an attempt that was scheduled again after a failure', [2, 2000], [1, 6000], 'queue wait', 8000],
  ['an attempt after a lost one', [2, 10_000], [1, 4000], 'lost attempt and queue wait', 4000],
  [
    'an attempt after one that was lost before its first event',
    [2, 10_000],
    [0, 0],
    'lost attempt and queue wait',
    0,
  ],
] as const)('the wait before %s', (_, [deliveries, ageMs], [attempt, storedMs], name, startMs) => {
  expect(waitBefore({ attempt: deliveries, ageMs }, { attempt, storedMs: submittedMs + storedMs })).toEqual({
    name,
    startMs: submittedMs + startMs,
    endMs: leasedMs,
  })
})
