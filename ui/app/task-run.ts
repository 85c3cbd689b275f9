import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { taskError, PixelflowError, type Client, type EventView, type TaskView } from '@pixelflow/client'
import { hasEnded } from '@pixelflow/core/status'
import { toNotice, type Notice } from '../api/notice.ts'
import { isAbort } from './alerts.ts'
import { submitRecipe } from './submit-recipe.ts'
import { createResults, type Result } from './results.ts'
import type { ImageSelection } from './image-selection.ts'
import type { Upload, Uploads } from './uploads.ts'

export type Phase = 'idle' | 'uploading' | 'active' | 'completed' | 'failed' | 'cancelled'

/** The current task of the page, from its upload over its events to its results. */
export interface TaskRun {
  readonly phase: ReadonlySignal<Phase>
  readonly upload: ReadonlySignal<Upload | null>
  readonly task: ReadonlySignal<TaskView | null>
  readonly events: ReadonlySignal<readonly EventView[]>
  readonly connection: ReadonlySignal<'live' | 'retrying'>
  readonly results: ReadonlySignal<readonly Result[]>
  /** Why it failed: a failed call or the task's own fault. */
  readonly failure: ReadonlySignal<Notice | null>
  /** Uploads the current image unless the server has it, and runs a recipe on it. */
  start(recipe: Record<string, unknown>): Promise<void>
  /** Watches an existing task from its first event. */
  open(task: TaskView): Promise<void>
  cancel(): Promise<void>
  /** Stops watching the task and clears it; the task continues on the server. */
  reset(): void
}

export interface TaskRunListeners {
  readonly onTask: (task: TaskView) => void
  readonly onDeleted: (id: string) => void
  readonly onFailure: (notice: Notice) => void
}

export function createTaskRun(
  client: Client,
  selection: ImageSelection,
  uploads: Uploads,
  listeners: TaskRunListeners,
): TaskRun {
  const upload = signal<Upload | null>(null)
  const task = signal<TaskView | null>(null)
  const events = signal<readonly EventView[]>([])
  const connection = signal<'live' | 'retrying'>('live')
  const failure = signal<Notice | null>(null)
  const isStarting = signal(false)
  const results = createResults(client)
  let abortController = new AbortController()

  const phase = computed<Phase>(() => {
    if (isStarting.value) return 'uploading'
    if (task.value === null) return failure.value === null ? 'idle' : 'failed'
    if (hasEnded(task.value.status)) return task.value.status as Phase
    return failure.value === null ? 'active' : 'failed'
  })

  function restart(): AbortSignal {
    abortController.abort()
    abortController = new AbortController()
    upload.value = null
    task.value = null
    events.value = []
    connection.value = 'live'
    failure.value = null
    isStarting.value = false
    results.clear()
    return abortController.signal
  }

  function fail(notice: Notice): void {
    failure.value = notice
    listeners.onFailure(notice)
  }

  function update(next: TaskView): void {
    // The event log of an ended task is read from its start; its earlier states must not replace the final one.
    const { value: known } = task
    if (known !== null && hasEnded(known.status) && !hasEnded(next.status)) return
    task.value = next
    listeners.onTask(next)
    if (next.status === 'failed') fail(toNotice(taskError(next)))
  }

  async function watch(first: TaskView, signal: AbortSignal): Promise<void> {
    update(first)
    const onConnection = (state: 'live' | 'retrying') => {
      if (!signal.aborted) connection.value = state
    }
    for await (const event of client.watch(first.id, { signal, onConnection, tries: Infinity })) {
      if (event.kind === 'deleted') {
        listeners.onDeleted(first.id)
        restart()
        return
      }
      events.value = [...events.value, event]
      update(event.task)
    }
    // A repeated attempt overwrites its outputs, so only the results of completed tasks are final.
    if (!signal.aborted && task.value?.status === 'completed') await results.load(task.value, signal)
  }

  /** Runs work of the current task; an error becomes its failure unless another task has replaced it. */
  async function captureFailure(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      if (!signal.aborted && !isAbort(thrown)) fail(toNotice(thrown))
    } finally {
      if (!signal.aborted) isStarting.value = false
    }
  }

  return {
    phase,
    upload,
    task,
    events,
    connection,
    results: results.all,
    failure,
    async start(recipe) {
      const signal = restart()
      isStarting.value = true
      await captureFailure(signal, async () => {
        const created = await submitRecipe({
          client,
          selection,
          uploads,
          recipe,
          signal,
          onUpload: (next) => (upload.value = next),
        })
        isStarting.value = false
        await watch(created, signal)
      })
    },
    async open(existing) {
      const signal = restart()
      await captureFailure(signal, () => watch(existing, signal))
    },
    async cancel() {
      const { value: current } = task
      if (current === null) return void restart()
      try {
        update(await client.cancel(current.id))
      } catch (thrown) {
        // The task ended before the request arrived; its final event follows.
        if (!(thrown instanceof PixelflowError) || thrown.code !== 'task_ended') throw thrown
      }
    },
    reset: () => void restart(),
  }
}
