import { outputNames } from '@pixelflow/core/recipe/recipe'
import { flowOf } from '../app/flow.ts'
import { inBytes } from '../text/amounts.ts'
import { useApp } from './context.ts'
import { FlowRail } from './flow-rail.tsx'

/** Progress of the current task: a bar, its stages, and one sentence for screen readers. */
export function Progress() {
  const { run } = useApp()
  const phase = run.phase.value
  const task = run.task.value
  const upload = run.upload.value
  if (phase === 'idle' || (task === null && upload === null)) return null
  const stages = flowOf({
    phase,
    upload,
    events: run.events.value,
    outputs: task === null ? ['default'] : outputNames(task.recipe),
  })
  const isUploading = phase === 'uploading'
  const percent = isUploading ? shareSent(upload) : Math.round(task?.progress ?? 0)
  const words = useWords(percent)

  return (
    <section class={`progress progress-${phase}`} aria-label="Progress">
      <div class="progress-head">
        <p class="progress-words" role="status">
          {words}
        </p>
        {(task?.attempt ?? 0) > 1 ? <span class="mark">attempt {task?.attempt}</span> : null}
        {run.connection.value === 'retrying' && phase === 'active' ? (
          <span class="mark">reconnecting…</span>
        ) : null}
        <span class="progress-percent" aria-hidden="true">
          {percent} %
        </span>
      </div>
      <progress class="bar" max={100} value={percent} aria-label={isUploading ? 'Upload' : 'Task'} />
      <FlowRail stages={stages} />
    </section>
  )
}

function shareSent(upload: { sentBytes: number; totalBytes: number } | null): number {
  return upload === null ? 0 : Math.floor((upload.sentBytes / Math.max(upload.totalBytes, 1)) * 100)
}

function useWords(percent: number): string {
  const { run } = useApp()
  const upload = run.upload.value
  const last = run.events.value.at(-1)
  switch (run.phase.value) {
    case 'uploading':
      if (upload === null || upload.tookMs !== null) return 'Creating the task'
      return `Uploading ${inBytes(upload.sentBytes)} of ${inBytes(upload.totalBytes)}`
    case 'active':
      return (
        {
          queued: 'Waiting for an actor',
          started: 'Fetching the picture',
          fetched: 'Decoding',
          decoded: 'Processing',
        }[last?.kind as string] ?? `Processing, ${percent} percent`
      )
    case 'completed':
      return 'Done'
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return 'Cancelled'
    case 'idle':
      return ''
  }
}
