import { parseJob, type DeadLetter } from '@pixelflow/core/dead-letter'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetterPage, DeadLetterQuery } from '@pixelflow/core/ports/dead-letters'
import { requireScope, principal, type Principal } from '@pixelflow/core/principal'
import { hasEnded } from '@pixelflow/core/task'
import type { createTask } from '../tasks/create-task.ts'
import { findImage, findTask, lastEvent } from '../tasks/find-task.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'deadLetters' | 'events' | 'images' | 'writes'>

/** What was given up, of all accounts: for operators alone, so each of these wants the scope `admin`. */

/** Oldest first. @throws Fault `invalid_request` for a wrong cursor. */
export function listDeadLetters({ deadLetters }: Needs) {
  return async (who: Principal, query: DeadLetterQuery): Promise<DeadLetterPage> => {
    requireScope(who, 'admin')
    return deadLetters.list(query)
  }
}

/** @throws Fault `not_found`. */
export function getDeadLetter({ deadLetters }: Needs) {
  return async (who: Principal, id: string): Promise<DeadLetter> => {
    requireScope(who, 'admin')
    return (await deadLetters.get(id)) ?? lost(id)
  }
}

/** @throws Fault `not_found`. */
export function dropDeadLetter({ deadLetters }: Needs) {
  return async (who: Principal, id: string): Promise<void> => {
    requireScope(who, 'admin')
    if (!(await deadLetters.delete(id))) lost(id)
  }
}

/**
 * Has the work of a letter done once more, for the account that wanted it, as a task of its own. Whoever replays again,
 * at the same time or later, gets the same task: its id stands in the letter before the task is made, so that nobody who
 * dies in between leaves a second one behind.
 * @throws Fault `not_found`, `task_not_found` or `image_not_found` when there is nothing left to work on, `task_active`,
 * `precondition_failed` for what was no job, `too_many_tasks`, `queue_full`.
 */
export function replayDeadLetter(
  { deadLetters, events, images, writes }: Needs,
  accept: ReturnType<typeof createTask>,
) {
  return async (who: Principal, id: string): Promise<DeadLetter> => {
    requireScope(who, 'admin')
    const letter = (await deadLetters.get(id)) ?? lost(id)
    if (!parseJob(letter)) {
      throw new Fault('precondition_failed', 'What this letter is about was no job.', {
        remedy: 'Drop the letter.',
      })
    }
    const owner = principal(letter.account)
    const noted = letter.replay && (await lastEvent(events, owner, letter.replay.task))
    if (noted && noted.event.kind !== 'deleted') {
      writes.noted(owner.account, noted.seq)
      return letter
    }

    const { task } = (await findTask(events, owner, letter.task)).event
    if (!hasEnded(task.status)) {
      throw new Fault('task_active', `The task is ${task.status}.`, { remedy: 'Wait for its end.' })
    }
    await findImage(images, owner, task.image)
    const marked = noted || !letter.replay ? await mark(letter) : letter
    const made = marked.replay?.task
    if (made === undefined) return lost(id)
    try {
      await accept(owner, task.image, task.recipe, { id: made, retryOf: task.id, lane: task.lane })
    } catch (thrown) {
      // Somebody else has made it from the same mark.
      if (Fault.of(thrown).code !== 'conflict') throw thrown
    }
    return marked

    async function mark({ replay }: DeadLetter): Promise<DeadLetter> {
      const now = events.now()
      const next = { task: Bun.randomUUIDv7('hex', now), at: now.toISOString() }
      return (await deadLetters.recordReplay(id, next, replay?.task)) ?? lost(id)
    }
  }
}

function lost(id: string): never {
  throw new Fault('not_found', `There is no dead letter ${id.length > 200 ? `${id.slice(0, 200)}…` : id}.`, {
    remedy: 'Check the id; letters are kept as long as tasks.',
  })
}
