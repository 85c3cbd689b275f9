import { createEvent, type EventKind } from '@pixelflow/core/event'
import type { Output, Task } from '@pixelflow/core/task'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { appendEvent } from '@pixelflow/testkit/append-event'
import type { Nats } from '@pixelflow/testkit/nats'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { measureRate } from '../measure-rate.ts'

/** Appends events of tasks that no actor works on. */
export interface TaskWriter extends AsyncDisposable {
  /** Appends an event and returns its sequence. */
  append(kind: EventKind, task: Task, after: number): Promise<number>
  /** Creates completed tasks, each with one event, and returns their ids in the order of creation. */
  createCompleted(count: number): Promise<string[]>
}

const appendsAtOnce = 128

export async function openTaskWriter(nats: Nats): Promise<TaskWriter> {
  const log = createLogger({ service: 'bench', level: 'error' })
  const settings = readSettings(natsSettings, nats.env)
  const { events, ...adapters } = await openAdapters({ settings, name: 'bench', log })
  const append = (kind: EventKind, task: Task, after: number) =>
    appendEvent(events, createEvent(kind, task, {}, new Date()), after)
  return {
    append,
    async createCompleted(count) {
      const ids: string[] = []
      await measureRate(count, appendsAtOnce, async (serial) => {
        const task = completedTask()
        ids[serial] = task.id
        await append('completed', task, 0)
      })
      return ids
    },
    [Symbol.asyncDispose]: () => adapters[Symbol.asyncDispose](),
  }
}

function completedTask(): Task {
  const now = new Date().toISOString()
  const output: Output = {
    name: 'default',
    format: 'webp',
    mediaType: 'image/webp',
    bytes: 48_211,
    sha256: 'a3f1'.repeat(16),
    width: 800,
    height: 600,
  }
  const times = { startedAt: now, endedAt: now }
  return sampleTask({
    status: 'completed',
    progress: 100,
    outputs: [output],
    attempt: 1,
    actor: 'bench',
    ...times,
  })
}
