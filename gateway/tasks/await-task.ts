import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import type { Ports } from '../ports.ts'
import type { watchTask } from './watch-task.ts'

/** How often a caller who waits for a task makes sure that the store still answers, in milliseconds. */
const storeCheckMs = 4000

export interface AwaitTaskNeeds extends Pick<Ports, 'events' | 'storeTimeout'> {
  readonly watch: ReturnType<typeof watchTask>
}

/**
 * Resolves with the task once it has ended.
 * @throws Fault `unavailable` when the store does not answer or the gateway stops, whatever else the store throws, or the
 * signal's reason.
 */
export function awaitTask({ events, storeTimeout, watch }: AwaitTaskNeeds) {
  return async (who: Principal, task: Task, signal: AbortSignal): Promise<Task> => {
    let last: StoredEvent | undefined
    const lost = new AbortController()
    const checking = setInterval(() => void check(), storeCheckMs)
    let isChecking = false
    // Events that do not come look the same whether the work takes long or the store is away.
    const check = async () => {
      if (isChecking) return
      isChecking = true
      await storeTimeout
        .call(() => events.last(who.account, task.id))
        .catch((thrown: unknown) => lost.abort(storeLost(task, Fault.of(thrown))))
      isChecking = false
    }
    try {
      const either = AbortSignal.any([signal, lost.signal])
      for await (const one of (await watch(who, task.id, 0, either)) ?? []) last = one
    } catch (thrown) {
      signal.throwIfAborted()
      // The task is accepted: a caller who is told to try again would make another.
      throw storeLost(task, Fault.of(thrown))
    } finally {
      clearInterval(checking)
    }
    signal.throwIfAborted()
    // The end of the task may have come in the moment in which the check failed.
    if (last !== undefined && isFinal(last.event)) return last.event.task
    lost.signal.throwIfAborted()
    throw new Fault('unavailable', 'This gateway is stopping.', {
      remedy: `The task ${task.id} goes on; fetch its output when it is finished.`,
      retryAfterMs: 1000,
    })
  }
}

function storeLost(task: Task, fault: Fault): Fault {
  if (!fault.row.isStoreFault) return fault
  return new Fault('unavailable', 'The store does not answer.', {
    remedy: `The task ${task.id} continues when the store is back; fetch its output when it is finished.`,
    retryAfterMs: 1000,
    cause: fault,
  })
}
