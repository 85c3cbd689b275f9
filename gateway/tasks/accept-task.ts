import { createEvent, type TaskEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { ImageRecord } from '@pixelflow/core/image'
import { defaultLane, createFirstJob, type Lane } from '@pixelflow/core/job'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { plan } from '@pixelflow/core/recipe/plan'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { currentTraceparent, outermostSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import { findImage } from '../images/find-image.ts'
import { keyReused } from '../idempotency/idempotency-key.ts'
import type { Ports } from '../ports.ts'

/** When an account with too many queued tasks should try again. */
const quotaRetryMs = 5000

type AcceptTaskPorts = Pick<
  Ports,
  'images' | 'events' | 'queue' | 'follower' | 'writePositions' | 'taskQuota' | 'onTaskAccepted'
>

interface AcceptTaskOptions {
  readonly retryOf?: string
  readonly id?: string | undefined
  /** Default: interactive. Bulk replaces it when the account has too many interactive tasks. */
  readonly lane?: Lane | undefined
}

/**
 * Accepts a task, as `acceptOrFindTask` does.
 * @throws Fault `conflict` when an earlier call with the same id has created the task and it was deleted since.
 */
export function acceptTask(ports: AcceptTaskPorts) {
  const acceptOrFind = acceptOrFindTask(ports)
  return async (...args: Parameters<typeof acceptOrFind>): Promise<Task> => {
    const task = await acceptOrFind(...args)
    if (task !== null) return task
    throw new Fault('conflict', 'The task of this idempotency key was deleted.', {
      remedy: 'Repeat the call with a new idempotency key.',
    })
  }
}

/**
 * Accepts a task for an image, given by its id or by its record if the caller has just read or stored it. Once its first event is in the log, the task is accepted and will end, whatever process fails: a job
 * that did not reach the queue is submitted by the elected gateway that requeues orphans.
 * @param options `id`: the id of the task. When an earlier call has already created it, that task is returned, or null
 * when it was deleted since.
 * @throws Fault `image_not_found` for the image or one that a step refers to; `too_many_tasks` or `queue_full`, and then
 * there is no task.
 */
export function acceptOrFindTask(ports: AcceptTaskPorts) {
  const { images, events, queue, follower, writePositions, taskQuota, onTaskAccepted } = ports

  return async (
    who: Principal,
    image: string | ImageRecord,
    recipe: Recipe,
    options: AcceptTaskOptions = {},
  ): Promise<Task | null> => {
    requireScope(who, 'tasks:write')
    const [record] = await Promise.all([
      typeof image === 'string' ? findImage(images, who, image, 'image') : image,
      ...plan(recipe).images.map((one) => findImage(images, who, one, 'recipe')),
    ])
    using reservation = taskQuota.reserve(who.account, options.lane)
    const queued = firstEvent(who, record.id, recipe, { ...options, lane: reservation?.lane }, events.now())
    outermostSpan().set(attributeNames.task, queued.task.id)
    if (reservation === null) return resumeOrRefuse(queued.task, options)
    const seq = await events.append(queued, 0)
    if (seq === null) return resumeExisting(queued.task)
    writePositions.record(who.account, seq)
    reservation.commit(seq)
    const first = { seq, storedAt: events.now(), event: queued }
    follower.addFirstEvent(first)
    try {
      await queue.submit(createFirstJob(queued.task), { first, image: record })
    } catch (thrown) {
      if (Fault.of(thrown).code === 'queue_full' && (await withdraw(queued, seq))) throw thrown
    }
    onTaskAccepted(queued.task)
    return queued.task
  }

  /** The task that an earlier call has created. That call may have failed before it submitted the job. */
  async function resumeExisting(requested: Task): Promise<Task | null> {
    const last = await events.last(requested.account, requested.id)
    if (last === null || last.event.kind === 'deleted') return null
    const { task } = last.event
    outermostSpan().link(parseTraceparent(task.traceparent))
    if (task.image !== requested.image || !Bun.deepEquals(task.recipe, requested.recipe)) throw keyReused()
    writePositions.record(task.account, last.seq)
    // When this fails, the elected gateway submits the job.
    if (task.status === 'queued') await queue.submit(createFirstJob(task)).catch(() => {})
    return task
  }

  /** The quota is used up, but an earlier call with the same id may have created the task. */
  async function resumeOrRefuse(requested: Task, { id }: AcceptTaskOptions): Promise<Task | null> {
    if (id !== undefined && (await events.last(requested.account, id)) !== null)
      return resumeExisting(requested)
    const { accountQueued } = taskQuota.limits
    throw new Fault('too_many_tasks', `This account has ${accountQueued} queued tasks, which is the limit.`, {
      remedy:
        'Wait until some have ended, or cancel some. Operators set the limit with PIXELFLOW_MAX_QUEUED_PER_ACCOUNT.',
      retryAfterMs: quotaRetryMs,
    })
  }

  /** Deletes the task again. False when it remains, because an actor has started it or the log does not answer. */
  async function withdraw({ task }: TaskEvent, seq: number): Promise<boolean> {
    try {
      const deletedAt = await events.append(createEvent('deleted', task, {}, events.now()), seq)
      if (deletedAt === null) return false
      writePositions.record(task.account, deletedAt)
      return true
    } catch {
      return false
    }
  }
}

/** What a request for a task contains besides its image; repetitions of a call are compared by it. */
export function describeTaskRequest(recipe: Recipe, lane: Lane): readonly string[] {
  // The default lane is left out, so that records from before there were lanes still match.
  return [JSON.stringify(recipe), ...(lane === defaultLane ? [] : [lane])]
}

function firstEvent(
  who: Principal,
  image: string,
  recipe: Recipe,
  { id, retryOf, lane = defaultLane }: AcceptTaskOptions,
  now: Date,
): TaskEvent {
  const traceparent = currentTraceparent()
  const task: Task = {
    // Ids of version 7 sort by time, which is the order of the list. All gateways use the clock of the log.
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
    ...(traceparent === undefined ? {} : { traceparent }),
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
  }
  return createEvent('queued', task, {}, now)
}
