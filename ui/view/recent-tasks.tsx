import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { NoticeBox } from './notice-box.tsx'
import { RecentRow } from './recent-row.tsx'

/** The account's tasks, newest first, including those that other clients created. */
export function RecentTasks() {
  const { taskList, alerts } = useApp()
  const tasks = taskList.tasks.value
  const now = useNow()
  const failure = taskList.failure.value
  return (
    <section class="panel recent" aria-labelledby="recent-title">
      <div class="panel-head">
        <h2 id="recent-title">Recent tasks</h2>
        <button
          type="button"
          class="button-icon"
          aria-label="Reload the list"
          disabled={taskList.isLoading.value}
          onClick={() => alerts.reportErrors(taskList.load())}
        >
          <Icon name="reload" />
        </button>
      </div>
      {failure === null ? null : <NoticeBox notice={failure} />}
      {tasks !== null && tasks.length === 0 ? (
        <p class="recent-empty muted">
          No tasks yet. Tasks of this page and of all other clients of the account appear here.
        </p>
      ) : null}
      <ul class="recent-list" aria-busy={taskList.isLoading.value}>
        {(tasks ?? []).map((task) => (
          <RecentRow key={task.id} task={task} now={now} />
        ))}
      </ul>
      {taskList.hasMore.value ? (
        <button
          type="button"
          class="button recent-more"
          disabled={taskList.isLoading.value}
          onClick={() => alerts.reportErrors(taskList.loadMore())}
        >
          Show older tasks
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
