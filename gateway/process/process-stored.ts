import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { awaitTask } from '../tasks/await-task.ts'
import { writePositionOf } from '../consistency/wait-for-position.ts'
import { acceptTask } from '../tasks/accept-task.ts'
import { endIfActive } from '../tasks/cancel-task.ts'
import type { BufferedImage } from './buffer-image.ts'
import type { Ports } from '../ports.ts'
import type { OutputRequest, ProcessedOutput } from './process-image.ts'
import { readOutput } from '../tasks/get-output.ts'
import { openEvents } from '../tasks/watch-task.ts'

/** Processes an image that is in the store as a task and waits for its end. The task remains like any other. */
export function processStored(ports: Ports) {
  const accept = acceptTask(ports)
  const positionOf = writePositionOf(ports)
  const read = readOutput(ports)

  const awaitEnd = awaitTask({ events: ports.events, watch: openEvents(ports) })

  return async (
    who: Principal,
    image: Pick<BufferedImage, 'storeForTask'>,
    { recipe, output }: OutputRequest,
    signal: AbortSignal,
  ): Promise<ProcessedOutput> => {
    const accepted = await image.storeForTask((stored) => accept(who, stored, recipe))
    const task = await awaitEnd(who, accepted, signal).catch(async (thrown: unknown) => {
      // The caller has disconnected, or the call has timed out.
      if (signal.aborted) await endIfActive(ports, who, accepted.id).catch(() => {})
      throw thrown
    })
    if (task.status !== 'completed') throw failureOf(task)
    const created = task.outputs.find((one) => one.name === output)
    if (created === undefined) throw new Fault('internal', 'The completed task has no output.')
    const { format, width, height } = created
    const content = await read(who, task.id, output)
    const position = positionOf(who.account)
    const processed = { ...content, format, width, height, output, task, position }
    return { ...processed, [Symbol.asyncDispose]: async () => {} }
  }
}

function failureOf(task: Task): Fault {
  if (task.fault) return Fault.from(task.fault)
  return new Fault('cancelled', `The task ${task.id} was cancelled or deleted.`, {
    remedy: 'Send the image again.',
  })
}
