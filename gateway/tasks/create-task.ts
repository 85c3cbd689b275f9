import { eventOf, type TaskEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { defaultLane, firstJob, type Lane } from '@pixelflow/core/job'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { plan } from '@pixelflow/core/recipe/plan'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { findImage } from './find-task.ts'
import { keyReused } from '../idempotency/idempotency-key.ts'
import type { Ports } from '../ports.ts'

/** When somebody who has too many tasks waiting should look again. */
const roomAfterMs = 5000

/** What a task is given by whoever has it made. */
interface Origin {
  readonly retryOf?: string
  readonly id?: string | undefined
  /** Where it is to wait; interactive unless said otherwise, and bulk where the account has too many of those. */
  readonly lane?: Lane | undefined
}

/**
 * Accepts work. From the moment its first event is in the log a task is accepted and will come to an end, whatever
 * dies: a job that did not reach the queue is queued by the actors' reconciler.
 * @param origin `id`: of the task, where an earlier attempt of the same call may have made it; then that one stands.
 * @throws Fault `image_not_found` for the image or one that a step refers to; `too_many_tasks` of this account or `queue_full`,
 * and then there is no task.
 */
export function createTask(
  ports: Pick<Ports, 'images' | 'events' | 'queue' | 'writes' | 'taskQuota' | 'accepted'>,
) {
  const { images, events, queue, writes, taskQuota, accepted } = ports

  return async (who: Principal, imageId: string, recipe: Recipe, origin: Origin = {}): Promise<Task> => {
    requireScope(who, 'tasks:write')
    await Promise.all([
      findImage(images, who, imageId, 'image'),
      ...plan(recipe).images.map((one) => findImage(images, who, one, 'recipe')),
    ])
    using reservation = taskQuota.reserve(who.account, origin.lane)
    const queued = firstEvent(who, imageId, recipe, { ...origin, lane: reservation?.lane }, events.now())
    if (reservation === null) return refused(queued.task, origin)
    let seq: number
    try {
      seq = await events.append(queued, 0)
    } catch (thrown) {
      if (origin.id === undefined || Fault.of(thrown).code !== 'conflict') throw thrown
      return earlier(queued.task)
    }
    writes.noted(who.account, seq)
    reservation.commit(seq)
    try {
      await queue.submit(firstJob(queued.task))
    } catch (thrown) {
      if (Fault.of(thrown).code === 'queue_full' && (await withdraw(queued, seq))) throw thrown
    }
    accepted(queued.task)
    return queued.task
  }

  /** What an earlier attempt has accepted, as it is now. It may have died before it queued the job. */
  async function earlier(wanted: Task): Promise<Task> {
    const last = await events.last(wanted.account, wanted.id)
    if (last === null || last.event.kind === 'deleted') {
      throw new Fault('conflict', 'The task that an earlier attempt has made is gone.', {
        remedy: 'Make the call with a new idempotency key.',
      })
    }
    const { task } = last.event
    if (task.image !== wanted.image || !Bun.deepEquals(task.recipe, wanted.recipe)) throw keyReused()
    writes.noted(task.account, last.seq)
    // Where that does not work, the actors' reconciler does it.
    if (task.status === 'queued') await queue.submit(firstJob(task)).catch(() => {})
    return task
  }

  /** There is no room for another task; but an earlier attempt of the same call may have found some. */
  async function refused(wanted: Task, { id }: Origin): Promise<Task> {
    if (id !== undefined && (await events.last(wanted.account, id)) !== null) return earlier(wanted)
    const { accountQueued: most } = taskQuota.limits
    throw new Fault('too_many_tasks', `This account has ${most} tasks waiting, and may not have more.`, {
      remedy:
        'Wait until some are done, or cancel some. Operators set the limit by PIXELFLOW_ACCOUNT_QUEUED.',
      retryAfterMs: roomAfterMs,
    })
  }

  /** False when the task stands after all, because it has been taken up meanwhile or the log does not answer. */
  async function withdraw({ task }: TaskEvent, seq: number): Promise<boolean> {
    try {
      writes.noted(task.account, await events.append(eventOf('deleted', task, {}, events.now()), seq))
      return true
    } catch {
      return false
    }
  }
}

/** What a call for a task asks for besides its image, to tell calls under one idempotency key apart. */
export function taskRequestParts(recipe: Recipe, lane: Lane): readonly string[] {
  // The usual lane is not among it, as it was not before there were lanes.
  return [JSON.stringify(recipe), ...(lane === defaultLane ? [] : [lane])]
}

function firstEvent(
  who: Principal,
  image: string,
  recipe: Recipe,
  { id, retryOf, lane = defaultLane }: Origin,
  now: Date,
): TaskEvent {
  const task: Task = {
    // Version 7: ids sort by time, which is the order of the list; by the log's time, whichever gateway makes them.
    id: id ?? Bun.randomUUIDv7('hex', now),
    account: who.account,
    status: 'queued',
    progress: 0,
    image,
    recipe,
    lane,
    ...(retryOf === undefined ? {} : { retryOf }),
    outputs: [],
    attempt: 0,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
  }
  return eventOf('queued', task, {}, now)
}
