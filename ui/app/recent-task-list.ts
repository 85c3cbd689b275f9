import { signal, type ReadonlySignal } from '@preact/signals'
import { PixelflowError, type Client, type TaskView } from '@pixelflow/client'
import { hasEnded } from '@pixelflow/core/status'
import { toNotice, type Notice } from '../api/notice.ts'

const pageSize = 8
/** Number of tasks that are reloaded concurrently: a browser opens six HTTP/1.1 connections to a server. */
const maxRefreshed = 8

/** The account's tasks as the server lists them, newest first. */
export interface RecentTaskList {
  /** Null until the first response. */
  readonly tasks: ReadonlySignal<readonly TaskView[] | null>
  readonly hasMore: ReadonlySignal<boolean>
  readonly isLoading: ReadonlySignal<boolean>
  readonly failure: ReadonlySignal<Notice | null>
  load(): Promise<void>
  /** Reloads the active tasks of the list. */
  refresh(): Promise<void>
  /** Clears the list when the account changes. */
  clear(): void
  loadMore(): Promise<void>
  /** Updates one task from its events, if they are newer than the list. */
  update(task: TaskView): void
  remove(id: string): Promise<void>
}

export function createRecentTaskList(client: Client): RecentTaskList {
  const tasks = signal<readonly TaskView[] | null>(null)
  const next = signal<string | null>(null)
  const hasMore = signal(false)
  const isLoading = signal(false)
  const failure = signal<Notice | null>(null)
  /** Increases with every change of the account; responses to requests of an earlier account are dropped. */
  let epoch = 0

  async function read(cursor: string | null): Promise<void> {
    const startEpoch = epoch
    isLoading.value = true
    try {
      const page = await client.taskPage({ limit: pageSize, cursor: cursor ?? undefined })
      if (startEpoch !== epoch) return
      const before = cursor === null ? [] : (tasks.value ?? [])
      const known = new Set(before.map((one) => one.id))
      tasks.value = [...before, ...page.items.filter((one) => !known.has(one.id))]
      next.value = page.next
      hasMore.value = page.next !== null
      failure.value = null
    } catch (thrown) {
      if (startEpoch === epoch) failure.value = toNotice(thrown)
    } finally {
      if (startEpoch === epoch) isLoading.value = false
    }
  }

  function update(task: TaskView): void {
    const all = tasks.value ?? []
    const known = all.some((one) => one.id === task.id)
    tasks.value = known ? all.map((one) => (one.id === task.id ? task : one)) : [task, ...all]
  }

  return {
    tasks,
    hasMore,
    isLoading,
    failure,
    load: () => read(null),
    loadMore: () => read(next.value),
    async refresh() {
      const startEpoch = epoch
      const active = (tasks.value ?? []).filter(({ status }) => !hasEnded(status)).slice(0, maxRefreshed)
      await Promise.all(
        active.map(async ({ id }) => {
          try {
            const task = await client.task(id)
            if (startEpoch === epoch) update(task)
          } catch (thrown) {
            // Only a deleted task is handled here; the next reload retries or reports every other error.
            if (thrown instanceof PixelflowError && thrown.status === 404 && startEpoch === epoch)
              tasks.value = (tasks.value ?? []).filter((one) => one.id !== id)
          }
        }),
      )
    },
    clear() {
      epoch += 1
      tasks.value = null
      next.value = null
      hasMore.value = isLoading.value = false
      failure.value = null
    },
    update,
    async remove(id) {
      try {
        await client.deleteTask(id)
      } catch (thrown) {
        if (!(thrown instanceof PixelflowError) || thrown.status !== 404) throw thrown
      }
      tasks.value = (tasks.value ?? []).filter((one) => one.id !== id)
    },
  }
}
