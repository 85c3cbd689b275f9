import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { NoticeBox } from './notice-box.tsx'
import { RecentRow } from './recent-row.tsx'

/** The account's tasks, newest first, including those that other clients created. */
export function RecentTasks() {
  const { recent, alerts } = useApp()
  const tasks = recent.tasks.value
  const now = useNow()
  const failure = recent.failure.value
  return (
    <section class="panel recent" aria-labelledby="recent-title">
      <div class="panel-head">
        <h2 id="recent-title">Recent tasks</h2>
        <button
          type="button"
          class="button-icon"
          aria-label="Read the list again"
          disabled={recent.busy.value}
          onClick={() => alerts.guard(recent.load())}
        >
          <Icon name="again" />
        </button>
      </div>
      {failure === null ? null : <NoticeBox notice={failure} />}
      {tasks !== null && tasks.length === 0 ? (
        <p class="recent-empty muted">No tasks yet. Tasks of every client of this account appear here.</p>
      ) : null}
      <ul class="recent-list" aria-busy={recent.busy.value}>
        {(tasks ?? []).map((task) => (
          <RecentRow key={task.id} task={task} now={now} />
        ))}
      </ul>
      {recent.hasMore.value ? (
        <button
          type="button"
          class="button recent-more"
          disabled={recent.busy.value}
          onClick={() => alerts.guard(recent.more())}
        >
          Older
        </button>
      ) : null}
    </section>
  )
}

/** The current time, updated every 30 seconds, so that relative times stay correct. */
function useNow(): number {
  const now = useSignal(Date.now())
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return now.value
}
