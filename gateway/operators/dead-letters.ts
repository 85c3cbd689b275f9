import { parseJob, type DeadLetter } from '@pixelflow/core/dead-letter'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetterPage, DeadLetterQuery } from '@pixelflow/core/ports/dead-letters'
import { requireScope, createPrincipal, type Principal } from '@pixelflow/core/principal'
import { shorten } from '@pixelflow/core/shorten'
import { hasEnded } from '@pixelflow/core/task'
import type { createTask } from '../tasks/create-task.ts'
import { findImage } from '../images/find-image.ts'
import { findTask, lastEvent } from '../tasks/find-task.ts'
import type { Ports } from '../ports.ts'

type DeadLetterPorts = Pick<Ports, 'deadLetters' | 'events' | 'images' | 'writePositions'>

/** Dead letters belong to all accounts, so every call here requires the scope `admin`. */

/** Oldest first. @throws Fault `invalid_request` for an invalid cursor. */
export function listDeadLetters({ deadLetters }: DeadLetterPorts) {
  return async (who: Principal, query: DeadLetterQuery): Promise<DeadLetterPage> => {
    requireScope(who, 'admin')
    return deadLetters.list(query)
  }
}

/** @throws Fault `not_found`. */
export function getDeadLetter({ deadLetters }: DeadLetterPorts) {
  return async (who: Principal, id: string): Promise<DeadLetter> => {
    requireScope(who, 'admin')
    return (await deadLetters.get(id)) ?? notFound(id)
  }
}

/** @throws Fault `not_found`. */
export function deleteDeadLetter({ deadLetters }: DeadLetterPorts) {
  return async (who: Principal, id: string): Promise<void> => {
    requireScope(who, 'admin')
    if (!(await deadLetters.delete(id))) notFound(id)
  }
}

/**
 * Creates a new task for the job of a dead letter, in the account of that job. Repeated and concurrent replays return
 * the same task: its id is recorded in the dead letter before the task is created, so a gateway that fails in between
 * does not cause a second task.
 * @throws Fault `not_found`, `task_not_found` or `image_not_found` when task or image has expired, `task_active`,
 * `precondition_failed` for an invalid job, `too_many_tasks`, `queue_full`.
 */
export function replayDeadLetter(
  { deadLetters, events, images, writePositions }: DeadLetterPorts,
  create: ReturnType<typeof createTask>,
) {
  return async (who: Principal, id: string): Promise<DeadLetter> => {
    requireScope(who, 'admin')
    const deadLetter = (await deadLetters.get(id)) ?? notFound(id)
    if (!parseJob(deadLetter)) {
      throw new Fault('precondition_failed', 'This dead letter contains no valid job.', {
        remedy: 'Delete the dead letter.',
      })
    }
    const owner = createPrincipal(deadLetter.account)
    const replayed = deadLetter.replay && (await lastEvent(events, owner, deadLetter.replay.task))
    if (replayed && replayed.event.kind !== 'deleted') {
      writePositions.record(owner.account, replayed.seq)
      return deadLetter
    }

    const { task } = (await findTask(events, owner, deadLetter.task)).event
    if (!hasEnded(task.status)) {
      throw new Fault('task_active', `The task is ${task.status}.`, {
        remedy: 'Wait until it has ended.',
      })
    }
    await findImage(images, owner, task.image)
    const recorded = replayed || !deadLetter.replay ? await recordReplay(deadLetter) : deadLetter
    const newId = recorded.replay?.task
    if (newId === undefined) return notFound(id)
    try {
      await create(owner, task.image, task.recipe, { id: newId, retryOf: task.id, lane: task.lane })
    } catch (thrown) {
      // A concurrent replay has created and deleted the task with this id.
      if (Fault.of(thrown).code !== 'conflict') throw thrown
    }
    return recorded

    async function recordReplay({ replay }: DeadLetter): Promise<DeadLetter> {
      const now = events.now()
      const next = { task: Bun.randomUUIDv7('hex', now), createdAt: now.toISOString() }
      return (await deadLetters.recordReplay(id, next, replay?.task)) ?? notFound(id)
    }
  }
}

function notFound(id: string): never {
  throw new Fault('not_found', `Dead letter ${shorten(id)} does not exist.`, {
    remedy: 'Check the id. Dead letters are kept as long as tasks.',
  })
}
