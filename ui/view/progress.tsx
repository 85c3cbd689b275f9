import { outputNames } from '@pixelflow/core/recipe/output-names'
import { deriveStages } from '../app/task-stages.ts'
import { displayBytes } from '../text/display-bytes.ts'
import { useApp } from './use-app.ts'
import { StageList } from './stage-list.tsx'

/** Progress of the current task: a bar, its stages, and one sentence for screen readers. */
export function Progress() {
  const { run } = useApp()
  const phase = run.phase.value
  const task = run.task.value
  const upload = run.upload.value
  if (phase === 'idle' || (task === null && upload === null)) return null
  const stages = deriveStages({
    phase,
    upload,
    events: run.events.value,
    outputs: task === null ? ['default'] : outputNames(task.recipe),
  })
  const isUploading = phase === 'uploading'
  const percent = isUploading ? computeUploadPercent(upload) : Math.round(task?.progress ?? 0)
  const text = useStatusText(percent)

  return (
    <section class={`progress progress-${phase}`} aria-label="Progress">
      <div class="progress-head">
        <p class="progress-text" role="status">
          {text}
        </p>
        {(task?.attempt ?? 0) > 1 ? <span class="badge">attempt {task?.attempt}</span> : null}
        {run.connection.value === 'retrying' && phase === 'active' ? (
          <span class="badge">reconnecting…</span>
        ) : null}
        <span class="progress-percent" aria-hidden="true">
          {percent} %
        </span>
      </div>
      <progress class="bar" max={100} value={percent} aria-label={isUploading ? 'Upload' : 'Task'} />
      <StageList stages={stages} />
    </section>
  )
}

function computeUploadPercent(upload: { sentBytes: number; totalBytes: number } | null): number {
  return upload === null ? 0 : Math.floor((upload.sentBytes / Math.max(upload.totalBytes, 1)) * 100)
}

function useStatusText(percent: number): string {
  const { run } = useApp()
  const upload = run.upload.value
  const last = run.events.value.at(-1)
  switch (run.phase.value) {
    case 'uploading':
      if (upload === null || upload.durationMs !== null) return 'Creating the task'
      return `Uploading ${displayBytes(upload.sentBytes)} of ${displayBytes(upload.totalBytes)}`
    case 'active':
      return (
        {
          queued: 'Waiting in the queue',
          started: 'Fetching the image',
          fetched: 'Decoding the image',
          decoded: 'Processing the image',
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
