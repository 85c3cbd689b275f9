import { describe, expect, test } from 'bun:test'
import type { Lease, Queue, Retries, JobConsumer } from '@pixelflow/core/ports/queue'
import { sampleJob } from '../tasks.ts'

export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: Queue
  readonly jobConsumer: JobConsumer
  readonly retries: Retries
  /** The same queue in another process. */
  readonly elsewhere: JobConsumer
}

/** Well above the normal delay, and below the polling interval of a second: passes on a busy machine, fails with polling. */
const maxDelayMs = 400

/** Registers the tests that every pair of `Queue` and `JobConsumer` must pass. */
export function queueContract(name: string, open: () => Promise<QueueUnderTest>): void {
  describe(`${name}: queue contract`, () => {
    test('a job is queued, leased, and gone when done', async () => {
      await using fixture = await open()
      const job = sampleJob()
      expect(await fixture.queue.submit(job)).toBe('queued')
      const lease = await next(fixture.jobConsumer)
      expect(lease?.job).toEqual(job)
      expect(lease?.attempt).toBe(1)
      await lease?.done()
      expect(await next(fixture.jobConsumer, 300)).toBeNull()
    })

    test('a job is a duplicate while it is queued or leased, and only then', async () => {
      await using fixture = await open()
      const job = sampleJob()
      await fixture.queue.submit(job)
      expect(await fixture.queue.submit(job)).toBe('duplicate')
      const lease = await next(fixture.jobConsumer)
      expect(await fixture.queue.submit(job)).toBe('duplicate')
      expect(await fixture.queue.submit({ ...job, stage: 'other' })).toBe('queued')
      await lease?.done()
      expect(await fixture.queue.submit(job)).toBe('queued')
    })

    test('of concurrent submissions exactly one queues the job', async () => {
      await using fixture = await open()
      const job = sampleJob()
      const results = await Promise.all(Array.from({ length: 10 }, () => fixture.queue.submit(job)))
      expect(results.filter((result) => result === 'queued')).toHaveLength(1)
    })

    test('a waiting caller gets a new job at once, from any lane', async () => {
      await using fixture = await open()
      for (const lane of ['bulk', 'interactive', 'bulk', 'interactive'] as const) {
        const waiting = next(fixture.jobConsumer)
        // The caller waits by then.
        await Bun.sleep(60)
        const startedAt = performance.now()
        await fixture.queue.submit(sampleJob({ lane }))
        const lease = await waiting
        expect(lease?.job.lane).toBe(lane)
        expect(performance.now() - startedAt).toBeLessThan(maxDelayMs)
        await lease?.done()
      }
    })

    test('the more urgent lane comes first', async () => {
      await using fixture = await open()
      for (const lane of ['bulk', 'bulk', 'interactive', 'interactive'] as const) {
        await fixture.queue.submit(sampleJob({ lane }))
      }
      const order: string[] = []
      for (let i = 0; i < 4; i++) {
        const lease = await next(fixture.jobConsumer)
        order.push(lease?.job.lane ?? 'none')
        await lease?.done()
      }
      expect(order).toEqual(['interactive', 'interactive', 'bulk', 'bulk'])
    })

    test('a caller for one lane gets jobs of that lane only', async () => {
      await using fixture = await open()
      const bulk = sampleJob({ lane: 'bulk' })
      await fixture.queue.submit(bulk)
      const only = fixture.jobConsumer.next('transform', AbortSignal.timeout(10_000), 'interactive')
      expect((await next(fixture.jobConsumer))?.job).toEqual(bulk)
      const interactive = sampleJob()
      await fixture.queue.submit(interactive)
      expect((await only)?.job).toEqual(interactive)
    })

    test('a retried job is delivered again after its delay, with its attempt count', async () => {
      await using fixture = await open()
      await fixture.queue.submit(sampleJob())
      const over = new AbortController()
      const forwarding = fixture.retries.forward(over.signal)
      const first = await next(fixture.jobConsumer)
      const startedAt = performance.now()
      await first?.retry(400, first.attempt)
      const second = await next(fixture.elsewhere)
      expect(performance.now() - startedAt).toBeGreaterThan(390)
      expect(second?.attempt).toBe(2)
      await second?.retry(0, second.attempt)
      const third = await next(fixture.jobConsumer)
      expect(third?.attempt).toBe(3)
      await third?.retry(0, 0)
      expect((await next(fixture.jobConsumer))?.attempt).toBe(1)
      over.abort()
      await forwarding
    })

    test('a removed job is gone, queued or leased', async () => {
      await using fixture = await open()
      const [waiting, leased] = [sampleJob(), sampleJob()]
      await fixture.queue.submit(leased)
      const lease = await next(fixture.jobConsumer)
      await fixture.queue.submit(waiting)
      await fixture.queue.remove(waiting)
      await fixture.queue.remove(leased)
      await fixture.queue.remove(leased)
      await lease?.done()
      expect(await next(fixture.jobConsumer, 300)).toBeNull()
      expect(await fixture.queue.submit(leased)).toBe('queued')
    })

    test('slots of several processes share the jobs, each once', async () => {
      await using fixture = await open()
      const jobs = Array.from({ length: 200 }, (_, i) =>
        sampleJob({ lane: i % 3 === 0 ? 'bulk' : 'interactive' }),
      )
      const seen: string[] = []
      const over = new AbortController()
      // A lost job must fail the comparison below, not the test's time limit.
      const signal = AbortSignal.any([over.signal, AbortSignal.timeout(15_000)])
      const slot = async (jobConsumer: JobConsumer) => {
        for (
          let lease = await jobConsumer.next('transform', signal);
          lease;
          lease = await jobConsumer.next('transform', signal)
        ) {
          seen.push(lease.job.task)
          await lease.done()
          if (seen.length === jobs.length) over.abort()
        }
      }
      const slots = [
        fixture.jobConsumer,
        fixture.jobConsumer,
        fixture.jobConsumer,
        fixture.elsewhere,
        fixture.elsewhere,
      ].map(slot)
      // All slots wait by then.
      await Bun.sleep(50)
      await Promise.all(jobs.map((job) => fixture.queue.submit(job)))
      await Promise.all(slots)
      expect(seen.toSorted()).toEqual(jobs.map(({ task }) => task).toSorted())
    }, 20_000)

    test('a caller that stops waiting takes no job with it', async () => {
      await using fixture = await open()
      for (let i = 0; i < 40; i++) {
        const leaving = new AbortController()
        const left = fixture.jobConsumer.next('transform', leaving.signal)
        await Bun.sleep(i % 4)
        // The job arrives before, while or after the caller leaves.
        const submitted = fixture.queue.submit(sampleJob({ lane: i % 2 === 0 ? 'bulk' : 'interactive' }))
        if (i % 3 === 0) await submitted
        leaving.abort()
        const startedAt = performance.now()
        const lease = (await left) ?? (await next(fixture.elsewhere))
        expect(lease).not.toBeNull()
        expect(performance.now() - startedAt).toBeLessThan(1000)
        await submitted
        await lease?.done()
      }
    }, 20_000)

    test('an aborted signal ends the wait at once', async () => {
      await using fixture = await open()
      expect(await fixture.jobConsumer.next('transform', AbortSignal.abort())).toBeNull()
      const leaving = new AbortController()
      const left = fixture.jobConsumer.next('transform', leaving.signal)
      // The caller waits by then.
      await Bun.sleep(50)
      const startedAt = performance.now()
      leaving.abort()
      expect(await left).toBeNull()
      expect(performance.now() - startedAt).toBeLessThan(maxDelayMs)
    })

    test('a lease lives while it is extended, and expires otherwise', async () => {
      await using fixture = await open()
      await Promise.all([fixture.queue.submit(sampleJob()), fixture.queue.submit(sampleJob())])
      const expiring = await next(fixture.jobConsumer)
      const extended = await next(fixture.jobConsumer)
      const timer = setInterval(() => void extended?.extend(), extended?.extendEveryMs)
      const again = await next(fixture.elsewhere, 4 * (extended?.extendEveryMs ?? 0) + 2000)
      expect(again?.job).toEqual(expiring?.job)
      expect(again?.attempt).toBe(2)
      await again?.done()
      expect(await next(fixture.elsewhere, 1000)).toBeNull()
      clearInterval(timer)
      await extended?.done()
    }, 60_000)
  })
}

/** The next job, or null when none comes in time. */
function next(jobConsumer: JobConsumer, withinMs = 5000): Promise<Lease | null> {
  return jobConsumer.next('transform', AbortSignal.timeout(withinMs))
}
