import { signal, type ReadonlySignal } from '@preact/signals'
import { PixelflowError, type Client, type TaskView } from '@pixelflow/client'
import { noticeOf, type Notice } from '../api/notice.ts'

const pageSize = 8

/** The account's tasks as the server lists them, newest first. */
export interface Recent {
  /** Null until the first answer. */
  readonly tasks: ReadonlySignal<readonly TaskView[] | null>
  readonly hasMore: ReadonlySignal<boolean>
  readonly busy: ReadonlySignal<boolean>
  readonly failure: ReadonlySignal<Notice | null>
  load(): Promise<void>
  more(): Promise<void>
  /** Takes over what is newer about one task, from its events. */
  note(task: TaskView): void
  remove(id: string): Promise<void>
}

export function createRecent(client: Client): Recent {
  const tasks = signal<readonly TaskView[] | null>(null)
  const next = signal<string | null>(null)
  const hasMore = signal(false)
  const busy = signal(false)
  const failure = signal<Notice | null>(null)

  async function read(cursor: string | null): Promise<void> {
    busy.value = true
    try {
      const page = await client.taskPage({ limit: pageSize, cursor: cursor ?? undefined })
      const before = cursor === null ? [] : (tasks.value ?? [])
      const known = new Set(before.map((one) => one.id))
      tasks.value = [...before, ...page.items.filter((one) => !known.has(one.id))]
      next.value = page.next
      hasMore.value = page.next !== null
      failure.value = null
    } catch (thrown) {
      failure.value = noticeOf(thrown)
    } finally {
      busy.value = false
    }
  }

  return {
    tasks,
    hasMore,
    busy,
    failure,
    load: () => read(null),
    more: () => read(next.value),
    note(task) {
      const all = tasks.value ?? []
      const known = all.some((one) => one.id === task.id)
      tasks.value = known ? all.map((one) => (one.id === task.id ? task : one)) : [task, ...all]
    },
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
