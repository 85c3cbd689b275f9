import { createEvent, type EventKind, type TaskEvent } from '@pixelflow/core/event'
import { onlyStage, type Job } from '@pixelflow/core/job'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'

/** A queued task as the gateway creates it, with changes. */
export function sampleTask(change: Partial<Task> = {}): Task {
  const now = new Date().toISOString()
  return {
    id: Bun.randomUUIDv7(),
    account: 'local',
    status: 'queued',
    progress: 0,
    image: Bun.randomUUIDv7(),
    recipe: parseRecipe('resize:800/blur:2/format:webp'),
    lane: 'interactive',
    outputs: [],
    attempt: 0,
    createdAt: now,
    updatedAt: now,
    ...change,
  }
}

/** The kinds of the events of a task that completes with one output, in order. */
export const completedEventKinds: EventKind[] = [
  'queued',
  'started',
  'fetched',
  'decoded',
  'output',
  'completed',
]

/** The first event of a task. */
export function queuedEvent(task: Task = sampleTask()): TaskEvent {
  return createEvent('queued', task, {}, new Date())
}

/** The only job of a task. */
export function sampleJob(change: Partial<Job> = {}): Job {
  const task = Bun.randomUUIDv7()
  return { kind: 'transform', lane: 'interactive', account: 'local', task, stage: onlyStage, ...change }
}
