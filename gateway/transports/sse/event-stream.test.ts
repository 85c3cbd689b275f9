import { expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import type { StoredEvent } from '@pixelflow/core/event'
import { createEvent } from '@pixelflow/core/event'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { stays } from '@pixelflow/testkit/wait-for'
import { heartbeat } from './encode-event.ts'
import { createEventStream } from './event-stream.ts'

const stored: StoredEvent = {
  seq: 7,
  storedAt: new Date(),
  event: createEvent('completed', sampleTask(), {}, new Date()),
}

function streamOf(events: AsyncGenerator<readonly StoredEvent[], void>, onEnd = () => {}) {
  const ignore = () => {}
  return createEventStream({
    events,
    heartbeatMs: 1,
    stopEvents: ignore,
    onFailure: ignore,
    onEnd,
  }).getReader()
}

test('an event after many heartbeats is sent once', async () => {
  const due = Promise.withResolvers<void>()
  const reader = streamOf(
    (async function* () {
      await due.promise
      yield [stored]
    })(),
  )
  await reader.read()
  for (let beats = 0; beats < 20; beats++) expect((await reader.read()).value).toEqual(heartbeat)
  due.resolve()
  const rest: string[] = []
  for (let found; !(found = await reader.read()).done;) rest.push(new TextDecoder().decode(found.value))
  expect(rest.filter((text) => text.includes('event: completed'))).toHaveLength(1)
})

test('heartbeats leak no memory', async () => {
  const never = Promise.withResolvers<void>()
  const reader = streamOf(
    (async function* () {
      await never.promise
      yield [stored]
    })(),
  )
  await reader.read()
  const beat = async (times: number) => {
    for (let beats = 0; beats < times; beats++) await reader.read()
    Bun.gc(true)
    const { Promise: promises = 0, Function: functions = 0 } = heapStats().objectTypeCounts
    return promises + functions
  }
  const before = await beat(50)
  expect((await beat(500)) - before).toBeLessThan(250)
  never.resolve()
})

test('a client that disconnects while it waits is not reported as a failure', async () => {
  const failures: unknown[] = []
  const left = Promise.withResolvers<void>()
  const events = (async function* () {
    await left.promise
    if (failures.length > 1000) yield [stored]
  })()
  const reader = createEventStream({
    events,
    heartbeatMs: 10_000,
    stopEvents: () => left.resolve(),
    onFailure: (error) => failures.push(error),
    onEnd: () => {},
  }).getReader()
  await reader.read()
  const waiting = reader.read()
  await reader.cancel()
  expect(await waiting).toMatchObject({ done: true })
  await stays('no failure is reported', () => failures.length === 0, 20)
})
