import { describe, expect, test } from 'bun:test'
import { eventOf } from '@pixelflow/core/event'
import type { Events } from '@pixelflow/core/ports/events'
import type { AcceptanceLog } from '@pixelflow/core/ports/queue'
import { queuedEvent, sampleTask } from '../tasks.ts'

export interface AcceptancesUnderTest extends AsyncDisposable {
  readonly events: Events
  readonly acceptances: AcceptanceLog
  /** Another process's view of the same log. */
  readonly elsewhere: AcceptanceLog
}

/** What every `AcceptanceLog` has to hold. `afterMs` is what the adapter was made with, some 100 ms. */
export function acceptancesContract(
  name: string,
  afterMs: number,
  open: () => Promise<AcceptancesUnderTest>,
): void {
  describe(`${name}: acceptances contract`, () => {
    test('an acceptance is seen once it is old enough, and only acceptances are', async () => {
      await using under = await open()
      const task = sampleTask()
      const begin = performance.now()
      const seq = await under.events.append(queuedEvent(task), 0)
      await under.events.append(eventOf('started', task, {}, new Date()), seq)
      expect(await seen([under.acceptances], 1)).toEqual([task.id])
      expect(performance.now() - begin).toBeGreaterThan(afterMs - 5)
      expect(await seen([under.acceptances], 1, afterMs + 300)).toEqual([])
    })

    test('processes share them, each goes to one', async () => {
      await using under = await open()
      const tasks = Array.from({ length: 60 }, () => sampleTask())
      await Promise.all(tasks.map((task) => under.events.append(queuedEvent(task), 0)))
      const found = await seen([under.acceptances, under.elsewhere], 60)
      expect(found.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
      expect(await seen([under.acceptances, under.elsewhere], 1, afterMs + 300)).toEqual([])
    }, 20_000)

    test('what a leaving reader did not look at goes to the next', async () => {
      await using under = await open()
      const tasks = Array.from({ length: 10 }, () => sampleTask())
      await Promise.all(tasks.map((task) => under.events.append(queuedEvent(task), 0)))
      await Bun.sleep(afterMs)
      const first = await seen([under.acceptances], 3)
      const rest = await seen([under.elsewhere], 7)
      expect([...first, ...rest].toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
    })
  })
}

/** Tasks that come out of these logs, settled, until there are so many or time is over. */
async function seen(logs: AcceptanceLog[], most: number, withinMs = 5000): Promise<string[]> {
  const found: string[] = []
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), withinMs)
  const read = async (log: AcceptanceLog) => {
    for await (const accepted of log.accepted(over.signal)) {
      found.push(accepted.task)
      await accepted.settle()
      if (found.length >= most) over.abort()
      if (over.signal.aborted) return
    }
  }
  await Promise.all(logs.map(read))
  clearTimeout(timer)
  return found
}
