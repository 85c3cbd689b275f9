import { parseJob, type DeadLetter } from '@pixelflow/core/dead-letter'
import { Fault } from '@pixelflow/core/fault'
import { createPrincipal } from '@pixelflow/core/principal'
import { deadLetterRef } from '@pixelflow/core/inputs'
import { hasEnded } from '@pixelflow/core/task'
import { deadLetterView, viewDeadLetter } from '@pixelflow/core/views'
import { declareCall } from '../calls/declare-call.ts'
import { replayedDeadLetterExample } from '../calls/examples.ts'
import { writePositionOf } from '../consistency/wait-for-position.ts'
import { findImage } from '../images/find-image.ts'
import type { Ports } from '../ports.ts'
import { acceptOrFindTask } from '../tasks/accept-task.ts'
import { findTask, lastEvent } from '../tasks/find-task.ts'
import { deadLetterNotFound } from './dead-letter-not-found.ts'

export const replayDeadLetter = declareCall({
  name: 'replayDeadLetter',
  tag: 'admin',
  summary: 'Replay a dead letter as a new task',
  description:
    'Creates a task with the same account, image and recipe. The new task has the old one in `retryOf`, and the dead letter has the new one in `replay`. Further replays return the same task, unless it was deleted.',
  http: { method: 'POST', path: '/api/v1/admin/dead/{id}/replay' },
  access: 'admin',
  faults: [
    'not_found',
    'task_not_found',
    'image_not_found',
    'task_active',
    'precondition_failed',
    'too_many_tasks',
    'queue_full',
  ],
  writes: true,
  isAudited: true,
  input: deadLetterRef,
  output: deadLetterView,
  view: viewDeadLetter,
  response: {
    status: 202,
    description: 'The dead letter, with the new task in `replay`.',
    example: replayedDeadLetterExample,
  },
  open(ports) {
    const positionOf = writePositionOf(ports)
    const replay = replayOnce(ports)
    return async (_who, { id }) => {
      const value = await replay(id)
      // The task belongs to the account of the dead letter, not to the operator.
      return { value, position: positionOf(value.account) }
    }
  },
})

/**
 * Creates a new task for the job of a dead letter, in the account of that job. Repeated and concurrent replays return
 * the same task: its id is recorded in the dead letter before the task is created, so a gateway that fails in between
 * does not cause a second task.
 */
function replayOnce(ports: Ports) {
  const { deadLetters, events, images, writePositions } = ports
  const accept = acceptOrFindTask(ports)

  return async (id: string): Promise<DeadLetter> => {
    const deadLetter = await requireFound(id, deadLetters.get(id))
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
    const recorded = replayed || !deadLetter.replay ? await recordReplay(id, deadLetter) : deadLetter
    const newId = recorded.replay?.task
    if (newId === undefined) throw deadLetterNotFound(id)
    // Null when a concurrent replay has created the task with this id and it was deleted: that is the same replay.
    await accept(owner, task.image, task.recipe, { id: newId, retryOf: task.id, lane: task.lane })
    return recorded
  }

  async function recordReplay(id: string, { replay }: DeadLetter): Promise<DeadLetter> {
    const now = events.now()
    const next = { task: Bun.randomUUIDv7('hex', now), createdAt: now.toISOString() }
    return requireFound(id, deadLetters.recordReplay(id, next, replay?.task))
  }
}

async function requireFound(id: string, found: Promise<DeadLetter | null>): Promise<DeadLetter> {
  const deadLetter = await found
  if (deadLetter === null) throw deadLetterNotFound(id)
  return deadLetter
}
