import type { FlowStage } from '../app/flow.ts'
import { inTime } from '../text/amounts.ts'

const spoken = { done: 'done', now: 'under way', waiting: 'to come', failed: 'failed', stopped: 'stopped' }

/** The stages of a task from left to right (top to bottom on narrow screens), each with its duration. */
export function FlowRail({ stages }: { stages: readonly FlowStage[] }) {
  return (
    <ol class="flow">
      {stages.map(({ key, label, state, tookMs }) => (
        <li key={key} class={`flow-stage flow-${state}`}>
          <span class="flow-pixel" aria-hidden="true" />
          <span class="flow-label">
            {label}
            <span class="visually-hidden">, {spoken[state]}</span>
          </span>
          <span class="flow-time">{tookMs === null ? '' : inTime(tookMs)}</span>
        </li>
      ))}
    </ol>
  )
}
