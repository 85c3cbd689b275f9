import type { Client } from '@pixelflow/client'
import { pause } from '@pixelflow/core/pause'
import type { Stage } from '../profiles.ts'
import { readEventStream, type Connection, type FollowedEvent } from './read-event-stream.ts'
import type { Measurements } from './measurements.ts'
import { createTaskWindow, type TaskWindow, type WatchedTask } from './task-window.ts'
import { usersAt } from './users-at.ts'

export interface FollowersOptions {
  readonly client: Pick<Client, 'upload' | 'createTask' | 'deleteTask' | 'deleteImage'>
  readonly connection: Connection
  /** The image that tasks process. */
  readonly jpeg: Uint8Array<ArrayBuffer>
  readonly stages: readonly Stage[]
  readonly measurements: Measurements
  /** Aborts the run. */
  readonly signal: AbortSignal
  /** Reports progress, one line per call. */
  readonly say: (text: string) => void
}

/** Followers change to another task after some seconds each; more tasks mean more seconds. Below the limit of interactive tasks. */
const maxUnfinishedTasks = 12
const followersPerTask = 100
const rampStepMs = 50
const sayEveryMs = 5000
/** How long followers may take after the last stage until their tasks have ended. */
const drainMs = 60_000
/** Pause of a follower before it resumes a stream, in milliseconds. */
const failurePauseMs = 1000
const maxTries = 10

const finalKinds: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'deleted'])

/** Opens and closes followers as the stages require. Each follows a task to its end, and then the next. */
export async function runFollowers(options: FollowersOptions): Promise<void> {
  const { client, connection, jpeg, stages, measurements, signal, say } = options
  const image = await client.upload(jpeg, { mediaType: 'image/jpeg' })
  const most = Math.max(...stages.map(({ users }) => users))
  const size = Math.max(2, Math.min(maxUnfinishedTasks, Math.ceil(most / followersPerTask)))
  const tasks = createTaskWindow({ client, image: image.id, size, onCall: measurements.check })
  const followers = new Map<AbortController, Promise<void>>()
  const open = { count: 0 }
  let hasFailed = false
  const sayFirstFailure = (thrown: unknown) => {
    if (!hasFailed) say(`interrupted: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    hasFailed = true
  }

  const sampler = setInterval(() => {
    const line = measurements.sample(open.count)
    if (performance.now() >= sayAt) {
      say(line)
      sayAt += sayEveryMs
    }
  }, 1000)
  const startedAt = performance.now()
  let sayAt = startedAt + sayEveryMs
  try {
    for (;;) {
      const wanted = usersAt(stages, (performance.now() - startedAt) / 1000)
      if (wanted === undefined || signal.aborted) break
      while (followers.size < wanted) {
        const controller = new AbortController()
        const running = follow(tasks, controller.signal, open, {
          connection,
          measurements,
          say: sayFirstFailure,
        }).finally(() => followers.delete(controller))
        followers.set(controller, running)
      }
      for (const controller of [...followers.keys()].slice(wanted)) controller.abort()
      await pause(rampStepMs, signal)
    }
    tasks.stop()
    const drained = new AbortController()
    const all = Promise.all(followers.values()).then(() => drained.abort())
    await pause(drainMs, AbortSignal.any([signal, drained.signal]))
    measurements.check('every stream ends with its task', followers.size === 0)
    for (const controller of followers.keys()) controller.abort()
    await all
  } finally {
    clearInterval(sampler)
    tasks.stop()
    await tasks.deleteAll()
    await client.deleteImage(image.id)
  }
}

interface StreamOptions extends Pick<FollowersOptions, 'connection' | 'measurements'> {
  /** Reports why a stream was interrupted. */
  readonly say: (thrown: unknown) => void
}

/** Follows one task after the other, until there are no more tasks or the follower is aborted. */
async function follow(
  tasks: TaskWindow,
  signal: AbortSignal,
  open: { count: number },
  streams: StreamOptions,
): Promise<void> {
  const { measurements } = streams
  for (let task = await tasks.join(signal); task !== undefined; task = await tasks.join(signal)) {
    const events = await followToEnd(task, signal, open, streams)
    const last = events.at(-1)?.kind
    tasks.leave(task, last !== undefined && finalKinds.has(last))
    if (signal.aborted) return
    const ids = events.map(({ id }) => id)
    measurements.check('the last event is completed', last === 'completed')
    measurements.check('every event was received once', new Set(ids).size === ids.length)
    measurements.check('all followers of a task receive the same events', task.log.isSameAsOthers(ids))
  }
}

/** Follows a task to its final event. Like an EventSource, resumes an interrupted stream after the last event. */
async function followToEnd(
  { id, log }: WatchedTask,
  signal: AbortSignal,
  open: { count: number },
  { connection, measurements, say }: StreamOptions,
): Promise<{ id: string; kind: string }[]> {
  const events: { id: string; kind: string }[] = []
  for (let tries = 1; tries <= maxTries && !signal.aborted; tries += 1) {
    const startedAt = performance.now()
    let openedAt: number | undefined
    const onOpen = () => {
      openedAt = performance.now()
      open.count += 1
      measurements.addDuration('connect_duration', openedAt - startedAt)
    }
    const onEvent = (event: FollowedEvent) => {
      measurements.count('events')
      events.push({ id: event.id, kind: event.kind })
      const laterMs = log.receive(event, openedAt ?? 0, performance.now())
      if (laterMs === undefined) return
      measurements.addDuration('delivery_duration', laterMs)
      const { at } = JSON.parse(event.data) as { at: string }
      measurements.addDuration('event_delay', Math.max(0, Date.now() - Date.parse(at)))
    }
    await readEventStream(connection, id, { after: events.at(-1)?.id, signal, onOpen, onEvent }).catch(
      (thrown: unknown) => {
        if (!signal.aborted) say(thrown)
      },
    )
    if (openedAt !== undefined) open.count -= 1
    if (signal.aborted || finalKinds.has(events.at(-1)?.kind ?? '')) break
    measurements.count('interruptions')
    await pause(failurePauseMs, signal)
  }
  return events
}
