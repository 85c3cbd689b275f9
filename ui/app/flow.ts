import type { EventView } from '@pixelflow/core/api'
import type { Phase } from './run.ts'
import type { Upload } from './uploads.ts'

/** One stage on the way of a picture. */
export interface FlowStage {
  readonly key: string
  readonly label: string
  readonly state: 'done' | 'now' | 'waiting' | 'failed' | 'stopped'
  /** From the stage before to the end of this one, in milliseconds; null when it is not over or not known. */
  readonly tookMs: number | null
}

export interface FlowSubject {
  readonly phase: Phase
  readonly upload: Upload | null
  readonly events: readonly EventView[]
  /** Names of the outputs the recipe makes. */
  readonly outputs: readonly string[]
}

/**
 * The stages of the current attempt, each with what it took: from the server's events alone, and the upload from here.
 * Nothing is guessed; a stage that no event has told of yet waits.
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

/** Everything up to the queue, and what the attempt that began last has done. */
function lastAttempt(events: readonly EventView[]): EventView[] {
  const began = events.findLastIndex((event) => event.kind === 'started')
  if (began === -1) return [...events]
  return [...events.slice(0, began).filter((event) => event.kind === 'queued'), ...events.slice(began)]
}

function keyOf(event: EventView): string {
  return event.kind === 'output' ? `output ${event.output ?? ''}` : event.kind
}
