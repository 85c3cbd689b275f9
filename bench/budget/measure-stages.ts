import type { EventView, TaskView } from '@pixelflow/core/views'
import { computeMedian } from '../compute-median.ts'

/** A stage of a task: from one event to the next. */
export interface StageDuration {
  readonly name: string
  /** Median in milliseconds. */
  readonly ms: number
}

/** The times of the events of tasks, one task after the other, by the clocks of the servers. */
export async function measureStages(
  baseUrl: string,
  sources: Iterable<Uint8Array<ArrayBuffer>>,
  recipe: string,
): Promise<StageDuration[]> {
  const tasks: EventView[][] = []
  for (const source of sources) {
    const form = new FormData()
    form.set('recipe', recipe)
    form.set('file', new Blob([source], { type: 'image/jpeg' }), 'photo.jpg')
    const created = await fetch(`${baseUrl}/api/v1/tasks`, { method: 'POST', body: form })
    const { id } = (await created.json()) as TaskView
    tasks.push(parseEventStream(await (await fetch(`${baseUrl}/api/v1/tasks/${id}/events`)).text()))
  }
  return summarizeStages(tasks)
}

/** The events of a stream of server-sent events, without heartbeats. */
export function parseEventStream(text: string): EventView[] {
  return [...text.matchAll(/^data: (.*"kind".*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as EventView)
}

/** Median durations between events that follow each other. */
export function summarizeStages(
  tasks: readonly (readonly Pick<EventView, 'kind' | 'at'>[])[],
): StageDuration[] {
  const durations = new Map<string, number[]>()
  for (const events of tasks) {
    for (const [at, event] of events.entries()) {
      const before = events[at - 1]
      if (before === undefined) continue
      const name = `${before.kind} → ${event.kind}`
      const ms = Date.parse(event.at) - Date.parse(before.at)
      durations.set(name, [...(durations.get(name) ?? []), ms])
    }
  }
  return [...durations].map(([name, values]) => ({ name, ms: computeMedian(values) }))
}
