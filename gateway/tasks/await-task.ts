import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { gatewayStopping } from '../gateway-stopping.ts'
import type { Ports } from '../ports.ts'
import type { openEvents } from './watch-task.ts'

/** How often a waiting call checks that the store answers, in milliseconds. */
const storeCheckMs = 1000

export interface AwaitTaskOptions extends Pick<Ports, 'events'> {
  readonly watch: ReturnType<typeof openEvents>
}

/**
 * Resolves with the task once it has ended.
 * @throws Fault `unavailable` when the store does not answer or the gateway stops, other faults of the store, or the
 * reason of the signal.
 */
export function awaitTask({ events, watch }: AwaitTaskOptions) {
  return async (who: Principal, task: Task, signal: AbortSignal): Promise<Task> => {
    let last: StoredEvent | undefined
    const lost = new AbortController()
    const checking = setInterval(() => void check(), storeCheckMs)
    let isChecking = false
    // Without this check, a store that does not answer looks like a task that takes long.
    const check = async () => {
      if (isChecking) return
      isChecking = true
      // Uses the store timeout of the call, so that the outages of a flapping broker add up.
      await events
        .last(who.account, task.id)
        .catch((thrown: unknown) => lost.abort(storeLost(task, Fault.of(thrown))))
      isChecking = false
    }
    try {
      const either = AbortSignal.any([signal, lost.signal])
      for await (const found of (await watch(who, task.id, undefined, either)) ?? []) last = found.at(-1)
    } catch (thrown) {
      signal.throwIfAborted()
      // The task exists: a client that only reads "try again" would create a second one.
      throw storeLost(task, Fault.of(thrown))
    } finally {
      clearInterval(checking)
    }
    signal.throwIfAborted()
    // The final event may have arrived just before the check failed.
    if (last !== undefined && isFinal(last.event)) return last.event.task
    lost.signal.throwIfAborted()
    throw gatewayStopping(`The task ${task.id} continues; fetch its output when it has completed.`, 1000)
  }
}

function storeLost(task: Task, fault: Fault): Fault {
  if (!fault.row.isStoreFault) return fault
  return new Fault('unavailable', 'The store does not answer.', {
    remedy: `The task ${task.id} continues when the store is available; fetch its output when it has completed.`,
    retryAfterMs: 1000,
    cause: fault,
  })
}
