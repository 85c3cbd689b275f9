import type { TaskView } from '@pixelflow/core/views'
import { outputNames } from '@pixelflow/core/recipe/output-names'
import { findFaultTitle } from '../api/notice.ts'
import { displayBytes } from '../text/display-bytes.ts'
import { displayAge } from '../text/display-age.ts'
import { displayDuration } from '../text/display-duration.ts'
import { displayFormat } from '../text/display-format.ts'
import { useApp } from './use-app.ts'
import { DeleteButton } from './delete-button.tsx'

/** One task of the list; choosing it opens its source and its results. */
export function RecentRow({ task, now }: { task: TaskView; now: number }) {
  const { run, parser, openTask, removeTask } = useApp()
  const isCurrent = run.task.value?.id === task.id
  const recipeText =
    parser.value === null
      ? '…'
      : (parser.value.printText(task.recipe) ?? countOutputs(outputNames(task.recipe).length))
  return (
    <li class={isCurrent ? 'recent-row recent-current' : 'recent-row'}>
      <button type="button" class="recent-open" aria-current={isCurrent} onClick={() => openTask(task.id)}>
        <span class={`status status-${task.status}`}>{task.status}</span>
        <code class="recent-recipe">{recipeText === '' ? 'no steps' : recipeText}</code>
        <span class="recent-details">{describeTask(task)}</span>
        <time class="recent-time" dateTime={task.createdAt} title={new Date(task.createdAt).toLocaleString()}>
          {displayAge(task.createdAt, now)}
        </time>
      </button>
      <DeleteButton label={`task ${recipeText}`} onDelete={() => removeTask(task.id)} />
    </li>
  )
}

function describeTask({ status, progress, outputs, fault, createdAt, endedAt }: TaskView): string {
  const [first, second] = outputs
  switch (status) {
    case 'completed': {
      const took = endedAt === undefined ? [] : [displayDuration(Date.parse(endedAt) - Date.parse(createdAt))]
      if (first === undefined) return took.join('')
      const bytes = outputs.reduce((sum, one) => sum + one.bytes, 0)
      const shape =
        second === undefined ? [`${first.width} × ${first.height}`, displayFormat(first.format)] : []
      return [...shape, displayBytes(bytes), ...took].join(' · ')
    }
    case 'failed':
      return fault === undefined ? '' : findFaultTitle(fault.code)
    case 'running':
      return `${Math.round(progress)} %`
    case 'queued':
    case 'cancelled':
      return ''
  }
}

function countOutputs(count: number): string {
  return count === 1 ? '1 output' : `${count} outputs`
}
