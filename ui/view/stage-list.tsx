import type { TaskStage } from '../app/task-stages.ts'
import { displayDuration } from '../text/display-duration.ts'

const stateTexts = {
  done: 'done',
  active: 'in progress',
  pending: 'pending',
  failed: 'failed',
  cancelled: 'cancelled',
}

/** The stages of a task from left to right (top to bottom on narrow screens), each with its duration. */
export function StageList({ stages }: { stages: readonly TaskStage[] }) {
  return (
    <ol class="stages">
      {stages.map(({ key, label, state, durationMs }) => (
        <li key={key} class={`stage stage-${state}`}>
          <span class="stage-mark" aria-hidden="true" />
          <span class="stage-label">
            {label}
            <span class="visually-hidden">, {stateTexts[state]}</span>
          </span>
          <span class="stage-duration">{durationMs === null ? '' : displayDuration(durationMs)}</span>
        </li>
      ))}
    </ol>
  )
}
