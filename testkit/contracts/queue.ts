import { describe, expect, test } from 'bun:test'
import type { Lease, Queue, Retries, WorkSource } from '@pixelflow/core/ports/queue'
import { sampleJob } from '../tasks.ts'

export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: Queue
  readonly work: WorkSource
  readonly retries: Retries
  /** The same queue in another process. */
  readonly elsewhere: WorkSource
}

/** Far above the normal delay, and below the second of a poll: a busy machine passes, and polling does not. */
const maxDelayMs = 400

/** Registers the tests that every pair of `Queue` and `WorkSource` must pass. */
export function queueContract(name: string, open: () => Promise<QueueUnderTest>): void {
  describe(`${name}: queue contract`, () => {
    test('a job is queued, leased, and gone when done', async () => {
      await using under = await open()
      const job = sampleJob()
      expect(await under.queue.submit(job)).toBe('queued')
      const lease = await next(under.work)
      expect(lease?.job).toEqual(job)
      expect(lease?.attempt).toBe(1)
      await lease?.done()
      expect(await next(under.work, 300)).toBeNull()
    })

    test('a job is a duplicate while it is queued or leased, and only then', async () => {
      await using under = await open()
      const job = sampleJob()
      await under.queue.submit(job)
      expect(await under.queue.submit(job)).toBe('duplicate')
      const lease = await next(under.work)
      expect(await under.queue.submit(job)).toBe('duplicate')
      expect(await under.queue.submit({ ...job, stage: 'other' })).toBe('queued')
      await lease?.done()
      expect(await under.queue.submit(job)).toBe('queued')
    })

    test('of concurrent submissions exactly one queues the job', async () => {
      await using under = await open()
      const job = sampleJob()
      const results = await Promise.all(Array.from({ length: 10 }, () => under.queue.submit(job)))
      expect(results.filter((result) => result === 'queued')).toHaveLength(1)
    })

    test('a waiting caller gets a job within moments, from any lane', async () => {
      await using under = await open()
      for (const lane of ['bulk', 'interactive', 'bulk', 'interactive'] as const) {
        const waiting = next(under.work)
        await Bun.sleep(60)
        const begin = performance.now()
        await under.queue.submit(sampleJob({ lane }))
        const lease = await waiting
        expect(lease?.job.lane).toBe(lane)
        expect(performance.now() - begin).toBeLessThan(maxDelayMs)
        await lease?.done()
      }
    })

    test('the more urgent lane comes first', async () => {
      await using under = await open()
      for (const lane of ['bulk', 'bulk', 'interactive', 'interactive'] as const) {
        await under.queue.submit(sampleJob({ lane }))
      }
      const order: string[] = []
      for (let i = 0; i < 4; i++) {
        const lease = await next(under.work)
        order.push(lease?.job.lane ?? 'none')
        await lease?.done()
      }
      expect(order).toEqual(['interactive', 'interactive', 'bulk', 'bulk'])
    })

    test('a caller for one lane gets jobs of that lane only', async () => {
      await using under = await open()
      const bulk = sampleJob({ lane: 'bulk' })
      await under.queue.submit(bulk)
      const only = under.work.next('transform', AbortSignal.timeout(10_000), 'interactive')
      expect((await next(under.work))?.job).toEqual(bulk)
      const interactive = sampleJob()
      await under.queue.submit(interactive)
      expect((await only)?.job).toEqual(interactive)
    })

    test('a retried job is delivered again after its delay, with its attempt count', async () => {
      await using under = await open()
      await under.queue.submit(sampleJob())
      const over = new AbortController()
      const forwarding = under.retries.forward(over.signal)
      const first = await next(under.work)
      const begin = performance.now()
      await first?.retry(400, first.attempt)
      const second = await next(under.elsewhere)
      expect(performance.now() - begin).toBeGreaterThan(390)
      expect(second?.attempt).toBe(2)
      await second?.retry(0, second.attempt)
      const third = await next(under.work)
      expect(third?.attempt).toBe(3)
      await third?.retry(0, 0)
      expect((await next(under.work))?.attempt).toBe(1)
      over.abort()
      await forwarding
    })

    test('a removed job is gone, queued or leased', async () => {
      await using under = await open()
      const [waiting, leased] = [sampleJob(), sampleJob()]
      await under.queue.submit(leased)
      const lease = await next(under.work)
      await under.queue.submit(waiting)
      await under.queue.remove(waiting)
      await under.queue.remove(leased)
      await under.queue.remove(leased)
      await lease?.done()
      expect(await next(under.work, 300)).toBeNull()
      expect(await under.queue.submit(leased)).toBe('queued')
    })

    test('slots of several processes share the jobs, each once', async () => {
      await using under = await open()
      const jobs = Array.from({ length: 200 }, (_, i) =>
        sampleJob({ lane: i % 3 === 0 ? 'bulk' : 'interactive' }),
      )
      const seen: string[] = []
      const over = new AbortController()
      const slot = async (work: WorkSource) => {
        for (;;) {
          const lease = await work.next('transform', over.signal)
          if (!lease) return
          seen.push(lease.job.task)
          await lease.done()
          if (seen.length === jobs.length) over.abort()
        }
      }
      const slots = [under.work, under.work, under.work, under.elsewhere, under.elsewhere].map(slot)
      await Bun.sleep(50)
      await Promise.all(jobs.map((job) => under.queue.submit(job)))
      await Promise.all(slots)
      expect(seen.toSorted()).toEqual(jobs.map(({ task }) => task).toSorted())
    }, 20_000)

    test('a caller that leaves takes no job with it', async () => {
      await using under = await open()
      for (let i = 0; i < 40; i++) {
        const leaving = new AbortController()
        const left = under.work.next('transform', leaving.signal)
        await Bun.sleep(i % 4)
        // The job arrives before, while or after the caller leaves.
        const submitted = under.queue.submit(sampleJob({ lane: i % 2 === 0 ? 'bulk' : 'interactive' }))
        if (i % 3 === 0) await submitted
        leaving.abort()
        const begin = performance.now()
        const lease = (await left) ?? (await next(under.elsewhere))
        expect(lease).not.toBeNull()
        expect(performance.now() - begin).toBeLessThan(1000)
        await submitted
        await lease?.done()
      }
    }, 20_000)

    test('an aborted signal ends the wait at once', async () => {
      await using under = await open()
      expect(await under.work.next('transform', AbortSignal.abort())).toBeNull()
      const leaving = new AbortController()
      const left = under.work.next('transform', leaving.signal)
      await Bun.sleep(50)
      const begin = performance.now()
      leaving.abort()
      expect(await left).toBeNull()
      expect(performance.now() - begin).toBeLessThan(maxDelayMs)
    })

    test('a lease lives while it is extended, and expires otherwise', async () => {
      await using under = await open()
      await Promise.all([under.queue.submit(sampleJob()), under.queue.submit(sampleJob())])
      const silent = await next(under.work)
      const alive = await next(under.work)
      const beat = setInterval(() => void alive?.extend(), alive?.extendEveryMs)
      const again = await next(under.elsewhere, 4 * (alive?.extendEveryMs ?? 0) + 2000)
      expect(again?.job).toEqual(silent?.job)
      expect(again?.attempt).toBe(2)
      await again?.done()
      expect(await next(under.elsewhere, 1000)).toBeNull()
      clearInterval(beat)
      await alive?.done()
    }, 60_000)
  })
}

/** The next job, or null when none comes in time. */
function next(work: WorkSource, withinMs = 5000): Promise<Lease | null> {
  return work.next('transform', AbortSignal.timeout(withinMs))
}
