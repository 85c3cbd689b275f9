import { expect, test } from 'bun:test'
import type { Job, Lane } from '@pixelflow/core/job'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { publish } from '../jetstream/publish.ts'
import { errorLogger, openNatsFixture } from '../testing/nats-fixture.ts'
import { jobSubject } from '../topology/subjects.ts'

/** A queue, callers that wait for its jobs, and the subjects of their requests. */
async function openQueue() {
  await using stack = new AsyncDisposableStack()
  const { adapters, settings } = stack.use(await openNatsFixture())
  const broker = stack.use(await connect({ settings, name: 'observer', log: errorLogger }))
  const requests: string[] = []
  broker.wire.subscribe('$JS.API.CONSUMER.MSG.NEXT.JOBS.*', ({ subject }) => void requests.push(subject))
  await broker.nc.flush()
  const over = new AbortController()
  const owned = stack.move()
  return {
    requests,
    submit: async (lane: Lane): Promise<Job> => {
      const job = sampleJob({ lane })
      // Without the backlog, in which bulk jobs wait for a dispatcher.
      await publish(broker, jobSubject(job))
      return job
    },
    next: (only?: Lane) => adapters.jobConsumer.next('transform', over.signal, only),
    async [Symbol.asyncDispose]() {
      over.abort()
      await owned.disposeAsync()
    },
  }
}

test('an interactive job goes to a caller for interactive jobs, so that the others stay free for bulk jobs', async () => {
  await using fixture = await openQueue()
  const any = fixture.next()
  const only = fixture.next('interactive')
  const interactive = await fixture.submit('interactive')
  const first = await only
  expect(first?.job).toEqual(interactive)
  const bulk = await fixture.submit('bulk')
  const second = await any
  expect(second?.job).toEqual(bulk)
  await Promise.all([first?.done(), second?.done()])
})

test('while other callers wait, each job costs one request', async () => {
  await using fixture = await openQueue()
  const waiting = Array.from({ length: 3 }, () => fixture.next())
  const lanes: readonly Lane[] = ['interactive', 'bulk']
  await waitFor(
    'requests for both lanes',
    () => new Set(fixture.requests).size,
    (size) => size === lanes.length,
  )
  const before = fixture.requests.length
  for (let i = 0; i < 20; i += 1) {
    const job = await fixture.submit(lanes[i % 2] as Lane)
    const lease = await waiting.shift()
    expect(lease?.job).toEqual(job)
    waiting.push(fixture.next())
    await lease?.done()
  }
  await waitFor(
    'requests for further jobs',
    () => fixture.requests.length - before,
    (count) => count === 20,
  )
})
