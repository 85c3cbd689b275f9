import type { TaskView } from '@pixelflow/core/views'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import { printText } from '@pixelflow/core/recipe/text'
import { titleOfFault } from '../api/notice.ts'
import { inBytes, inPast, inTime } from '../text/amounts.ts'
import { formatName } from '../text/names.ts'
import { useApp } from './context.ts'
import { DeleteButton } from './delete-button.tsx'

/** One task of the list; choosing it opens its source and its results. */
export function RecentRow({ task, now }: { task: TaskView; now: number }) {
  const { run, open, remove } = useApp()
  const isCurrent = run.task.value?.id === task.id
  const words = printText(task.recipe) ?? `${outputNames(task.recipe).length} outputs`
  return (
    <li class={isCurrent ? 'recent-row recent-current' : 'recent-row'}>
      <button type="button" class="recent-open" aria-current={isCurrent} onClick={() => open(task.id)}>
        <span class={`status status-${task.status}`}>{task.status}</span>
        <code class="recent-recipe">{words === '' ? 'as it is' : words}</code>
        <span class="recent-facts">{factsOf(task)}</span>
        <time class="recent-time" dateTime={task.createdAt} title={new Date(task.createdAt).toLocaleString()}>
          {inPast(task.createdAt, now)}
        </time>
      </button>
      <DeleteButton label={`task ${words}`} onDelete={() => remove(task.id)} />
    </li>
  )
}

function factsOf({ status, progress, outputs, fault, createdAt, endedAt }: TaskView): string {
  const [first, second] = outputs
  switch (status) {
    case 'completed': {
      const took = endedAt === undefined ? [] : [inTime(Date.parse(endedAt) - Date.parse(createdAt))]
      if (first === undefined) return took.join('')
      const bytes = outputs.reduce((sum, one) => sum + one.bytes, 0)
      const shape = second === undefined ? [`${first.width} × ${first.height}`, formatName(first.format)] : []
      return [...shape, inBytes(bytes), ...took].join(' · ')
    }
    case 'failed':
      return fault === undefined ? '' : titleOfFault(fault.code)
    case 'running':
      return `${Math.round(progress)} %`
    case 'queued':
    case 'cancelled':
      return ''
  }
}
