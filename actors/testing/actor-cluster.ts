import { Fault } from '@pixelflow/core/fault'
import { retryConflicts } from '@pixelflow/core/retry-conflicts'
import { createEvent, isFinal, type EventKind, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import { sniffFormat } from '@pixelflow/core/format'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import { createFirstJob, type Lane } from '@pixelflow/core/job'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { deadLetterId, type DeadLetter } from '@pixelflow/core/dead-letter'
import { outputObject, type Task } from '@pixelflow/core/task'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters, type Adapters } from '@pixelflow/nats/open-adapters'
import { natsSettings, type NatsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger, type Logger } from '@pixelflow/platform/telemetry/logger'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startNats, type Nats } from '@pixelflow/testkit/nats'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { waitFor } from '@pixelflow/testkit/wait-for'

export const account = 'ann'

/** A real broker, with the operations of a gateway that tests of actors need. */
export interface ActorCluster extends AsyncDisposable {
  readonly nats: Nats
  readonly settings: NatsSettings
  readonly adapters: Adapters
  readonly log: Logger
  /** Lines that this process has logged. */
  readonly lines: readonly string[]
  upload(bytes: Uint8Array): Promise<ImageRecord>
  /** Uploads an image of the given size; resolves with its id. */
  uploadSample(width?: number, height?: number): Promise<string>
  /** Accepts a task. With `job: false` it is not queued, as if the gateway had stopped. */
  submit(
    image: string,
    recipe: unknown,
    options?: { job?: boolean; lane?: Lane; traceparent?: string },
  ): Promise<Task>
  /** The events of a task. */
  history(task: Task): Promise<StoredEvent[]>
  /** The kinds of the events of a task. */
  eventKinds(task: Task): Promise<EventKind[]>
  /** Waits for an event of a kind. @returns the first one. */
  waitForEvent(task: Task, kind: EventKind, timeoutMs?: number): Promise<TaskEvent>
  /** Waits for the final event of a task; there must be exactly one. */
  end(task: Task, timeoutMs?: number): Promise<TaskEvent>
  /** Waits until this process has logged a message about a task. */
  waitForLog(message: string, task: Pick<Task, 'id'>): Promise<void>
  /** The dead letter of the job of a task; null if it has none. */
  deadLetter(task: Pick<Task, 'id'>): Promise<DeadLetter | null>
  cancel(task: Task): Promise<void>
  output(task: Task, name?: string): Promise<Uint8Array>
}

/** Starts one cluster for all tests of a file; `take` is called before the first one. */
export function useActorCluster(take: (cluster: ActorCluster) => void): void {
  useFixture(startActorCluster, take)
}

/** Starts with short timeouts, so that tests are fast. */
export async function startActorCluster(): Promise<ActorCluster> {
  await using scope = new AsyncDisposableStack()
  const nats = scope.use(await startNats())
  const lines: string[] = []
  const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line) })
  const settings = readSettings(natsSettings, nats.env)
  const adapters = scope.use(await openAdapters({ settings, name: 'test', log }))
  const { images, sources, results, events, queue, cancellations } = adapters
  const stop = new AbortController()
  const forwarding = adapters.retries.forward(stop.signal)
  scope.defer(async () => {
    stop.abort()
    await forwarding
  })
  const owned = scope.move()

  const history = (task: Task) => Array.fromAsync(events.history(account, task.id, 0))
  /** @param name of the awaited event, for the error */
  const waitForMatch = async (
    task: Task,
    name: string,
    accept: (event: TaskEvent) => boolean,
    timeoutMs = 30_000,
  ): Promise<TaskEvent> => {
    const read = async () => {
      const all = (await history(task)).map(({ event }) => event)
      return { found: all.find(accept), kinds: all.map(({ kind }) => kind), log: lines.slice(-10) }
    }
    const what = `${name} event of task ${task.id}`
    const { found } = await waitFor(what, read, (seen) => seen.found !== undefined, { timeoutMs })
    return found as TaskEvent
  }

  const upload = async (bytes: Uint8Array): Promise<ImageRecord> => {
    const write = await sources.begin()
    await write.write(bytes)
    const { info } = await write.commit((digest) => blobName(account, digest))
    const format = sniffFormat(bytes) ?? 'jpeg'
    const record = { id: Bun.randomUUIDv7(), account, sha256: info.sha256, bytes: info.bytes, format }
    const whole = { ...record, width: null, height: null, createdAt: new Date().toISOString() }
    await images.create(account, record.id, whole)
    return whole
  }
  return {
    nats,
    settings,
    adapters,
    log,
    lines,
    upload,
    uploadSample: async (width = 3000, height = 2000) =>
      (await upload(await sampleImage({ width, height }))).id,
    async submit(image, recipe, { job = true, lane = 'interactive', traceparent } = {}) {
      const now = new Date()
      const at = now.toISOString()
      const task: Task = {
        id: Bun.randomUUIDv7(),
        account,
        status: 'queued',
        progress: 0,
        image,
        recipe: parseRecipe(recipe),
        lane,
        outputs: [],
        attempt: 0,
        ...(traceparent === undefined ? {} : { traceparent }),
        createdAt: at,
        updatedAt: at,
      }
      await appendEvent(events, createEvent('queued', task, {}, now), 0)
      if (job) await queue.submit(createFirstJob(task))
      return task
    },
    history,
    eventKinds: async (task) => (await history(task)).map(({ event }) => event.kind),
    waitForEvent: (task, kind, timeoutMs) =>
      waitForMatch(task, kind, (event) => event.kind === kind, timeoutMs),
    async end(task, timeoutMs) {
      const last = await waitForMatch(task, 'final', isFinal, timeoutMs)
      const ends = (await history(task)).filter(({ event }) => isFinal(event))
      if (ends.length !== 1) throw new Error(`task ${task.id} has ${ends.length} final events`)
      return last
    },
    async waitForLog(message, { id }) {
      const isWanted = (line: string) => hasMessage(message)(line) && line.includes(id)
      await waitFor(
        `"${message}" logged about task ${id}`,
        () => lines.slice(-20),
        () => lines.some(isWanted),
      )
    },
    deadLetter: ({ id }) => adapters.deadLetters.get(deadLetterId({ kind: 'transform', account, task: id })),
    async cancel(task) {
      // An actor may report in between.
      const append = async () => {
        const last = await events.last(account, task.id)
        if (last === null) throw new Error(`task ${task.id} does not exist`)
        const now = new Date()
        const change = { status: 'cancelled', endedAt: now.toISOString() } as const
        return (
          (await events.append(createEvent('cancelled', last.event.task, change, now), last.seq)) ?? undefined
        )
      }
      await retryConflicts(append, {
        maxConflicts: 10,
        createFault: () => new Fault('conflict', 'The task changes all the time.', { remedy: '' }),
      })
      await cancellations.publish(account, task.id)
      await queue.remove(createFirstJob(task))
    },
    async output(task, name = 'default') {
      const read = await results.read(outputObject(account, task.id, 'main', name))
      if (read === null) throw new Error(`task ${task.id} has no output ${name}`)
      return Buffer.concat(await Array.fromAsync(read.body))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
