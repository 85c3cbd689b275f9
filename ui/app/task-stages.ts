import type { EventView } from '@pixelflow/core/views'
import type { Phase } from './task-run.ts'
import type { Upload } from './uploads.ts'

/** One stage of a task, as the page shows it. */
export interface TaskStage {
  readonly key: string
  readonly label: string
  readonly state: 'done' | 'active' | 'pending' | 'failed' | 'cancelled'
  /** Time since the end of the previous stage, in milliseconds; null while unfinished or unknown. */
  readonly durationMs: number | null
}

export interface TaskProgress {
  readonly phase: Phase
  readonly upload: Upload | null
  readonly events: readonly EventView[]
  /** Names of the outputs of the recipe. */
  readonly outputs: readonly string[]
}

/**
 * The stages of the current attempt with their durations. The upload is measured in the browser; all other stages come
 * from the server's events, and a stage without an event is pending.
 */
export function deriveStages({ phase, upload, events, outputs }: TaskProgress): TaskStage[] {
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
    const durationMs = at > 0 && own !== undefined && before !== undefined ? Math.max(0, own - before) : null
    return { key, label, isDone: at !== -1, durationMs }
  })
  const all =
    upload === null
      ? stages
      : [
          {
            key: 'upload',
            label: 'Upload',
            isDone: upload.durationMs !== null,
            durationMs: upload.durationMs,
          },
          ...stages,
        ]

  const next = all.findIndex((stage) => !stage.isDone)
  return all.map(({ key, label, isDone, durationMs }, at) => ({
    key,
    label,
    durationMs,
    state: isDone ? 'done' : at === next ? nextState(phase) : 'pending',
  }))
}

function nextState(phase: Phase): TaskStage['state'] {
  if (phase === 'failed' || phase === 'cancelled') return phase
  return phase === 'idle' ? 'pending' : 'active'
}

/** The events up to `queued`, and those of the latest attempt. */
function lastAttempt(events: readonly EventView[]): EventView[] {
  const start = events.findLastIndex((event) => event.kind === 'started')
  if (start === -1) return [...events]
  return [...events.slice(0, start).filter((event) => event.kind === 'queued'), ...events.slice(start)]
}

function keyOf(event: EventView): string {
  return event.kind === 'output' ? `output ${event.output ?? ''}` : event.kind
}
