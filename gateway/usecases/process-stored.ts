import { isFinal, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { cancelTask } from './cancel-task.ts'
import { createTask } from './create-task.ts'
import type { HeldImage } from './hold-image.ts'
import type { Ports } from './ports.ts'
import type { Order, Processed } from './process-image.ts'
import { readOutput } from './read-output.ts'
import { watchTask } from './watch-task.ts'

/** How often a caller who waits for a task makes sure that the store still answers, in milliseconds. */
const storeCheckMs = 4000

/** Has a picture that is in the store processed as a task, and waits for it. The task stays, as any other does. */
export function processStored(ports: Ports) {
  const { events, storeTimeout } = ports
  const create = createTask(ports)
  const watch = watchTask(ports)
  const cancel = cancelTask(ports)
  const read = readOutput(ports)

  const ended = async (who: Principal, task: Task, signal: AbortSignal): Promise<Task> => {
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
        .catch((thrown: unknown) => {
          lost.abort(storeLost(task, thrown))
        })
      isChecking = false
    }
    try {
      const either = AbortSignal.any([signal, lost.signal])
      for await (const one of (await watch(who, task.id, 0, either)) ?? []) last = one
    } finally {
      clearInterval(checking)
    }
    signal.throwIfAborted()
    lost.signal.throwIfAborted()
    if (last !== undefined && isFinal(last.event)) return last.event.task
    throw new Fault('unavailable', 'This gateway is stopping.', {
      remedy: `The task ${task.id} goes on; fetch its output when it is finished.`,
      retryAfterMs: 1000,
    })
  }

  return async (
    who: Principal,
    image: Pick<HeldImage, 'keepFor'>,
    { recipe, output }: Order,
    signal: AbortSignal,
  ): Promise<Processed> => {
    const accepted = await image.keepFor(({ id }) => create(who, id, recipe))
    const task = await ended(who, accepted, signal).catch(async (thrown: unknown) => {
      // Nobody waits for it any more.
      if (signal.aborted) await cancel(who, accepted.id).catch(() => {})
      throw thrown
    })
    if (task.status !== 'completed') throw failureOf(task)
    const made = task.outputs.find((one) => one.name === output)
    if (made === undefined) throw new Fault('internal', 'The task has not made its output.')
    const { format, width, height } = made
    const content = await read(who, task.id, output)
    return { ...content, format, width, height, output, task, [Symbol.asyncDispose]: async () => {} }
  }
}

function storeLost(task: Task, cause: unknown): Fault {
  return new Fault('unavailable', 'The store does not answer just now.', {
    remedy: `The task ${task.id} goes on when it does; fetch its output when it is finished.`,
    retryAfterMs: 1000,
    cause,
  })
}

function failureOf(task: Task): Fault {
  if (task.fault) return Fault.from(task.fault)
  return new Fault('cancelled', `The task ${task.id} was cancelled or deleted.`)
}
