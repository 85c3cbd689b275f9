import type { EventView } from '@pixelflow/core/views'
import type { Phase } from './run.ts'
import type { Upload } from './uploads.ts'

/** One stage of a task. */
export interface FlowStage {
  readonly key: string
  readonly label: string
  readonly state: 'done' | 'now' | 'waiting' | 'failed' | 'stopped'
  /** Time since the end of the previous stage, in milliseconds; null while unfinished or unknown. */
  readonly tookMs: number | null
}

export interface FlowSubject {
  readonly phase: Phase
  readonly upload: Upload | null
  readonly events: readonly EventView[]
  /** Names of the outputs of the recipe. */
  readonly outputs: readonly string[]
}

/**
 * The stages of the current attempt with their durations. The upload is measured in the browser; all other stages come
 * from the server's events, and a stage without an event is waiting.
 */
export function flowOf({ phase, upload, events, outputs }: FlowSubject): FlowStage[] {
  const current = lastAttempt(events)
  const times = current.map((event) => Date.parse(event.at))
  const planned = [
    ['queued', 'Queued'],
    ['started', 'Started'],
    ['fetched', 'Fetched'],
    ['decoded', 'Decoded'],
    ...outputs.map((name) => [`output ${name}`, outputs.length === 1 ? 'Encoded' : name] as const),
    ['completed', 'Done'],
  ] as const

  const stages = planned.map(([key, label]) => {
    const at = current.findIndex((event) => keyOf(event) === key)
    const before = times[at - 1]
    const own = times[at]
    const tookMs = at > 0 && own !== undefined && before !== undefined ? Math.max(0, own - before) : null
    return { key, label, isDone: at !== -1, tookMs }
  })
  const all =
    upload === null
      ? stages
      : [{ key: 'upload', label: 'Upload', isDone: upload.tookMs !== null, tookMs: upload.tookMs }, ...stages]

  const next = all.findIndex((stage) => !stage.isDone)
  return all.map(({ key, label, isDone, tookMs }, at) => ({
    key,
    label,
    tookMs,
    state: isDone ? 'done' : at === next ? stateOfNext(phase) : 'waiting',
  }))
}

function stateOfNext(phase: Phase): FlowStage['state'] {
  if (phase === 'failed') return 'failed'
  if (phase === 'cancelled') return 'stopped'
  return phase === 'idle' ? 'waiting' : 'now'
}

/** The events up to `queued`, and those of the latest attempt. */
function lastAttempt(events: readonly EventView[]): EventView[] {
  const began = events.findLastIndex((event) => event.kind === 'started')
  if (began === -1) return [...events]
  return [...events.slice(0, began).filter((event) => event.kind === 'queued'), ...events.slice(began)]
}

function keyOf(event: EventView): string {
  return event.kind === 'output' ? `output ${event.output ?? ''}` : event.kind
}
