import { useEffect } from 'preact/hooks'
import { AlertList } from './alert-list.tsx'
import { Calls } from './calls.tsx'
import { useApp } from './context.ts'
import { NoticeBox } from './notice-box.tsx'
import { PageHeader } from './page-header.tsx'
import { PictureTable } from './picture-table.tsx'
import { RecentTasks } from './recent-tasks.tsx'
import { RecipePanel } from './recipe-panel.tsx'
import { TokenDialog } from './token-dialog.tsx'
import { useFileDrop } from './use-file-drop.ts'

/** The page: image on the left, recipe on the right, recent tasks below. */
export function Page() {
  const { pick, server, begin } = useApp()
  const isOver = useFileDrop(pick)
  useRunKey()
  const failure = server.failure.value
  return (
    <>
      <PageHeader />
      <main class="page">
        <AlertList />
        {failure === null ? null : (
          <NoticeBox notice={failure}>
            <button type="button" class="button button-small" onClick={begin}>
              Try again
            </button>
          </NoticeBox>
        )}
        <div class="bench">
          <div class="bench-main">
            <PictureTable isOver={isOver.value} />
          </div>
          <div class="bench-side">
            <RecipePanel />
          </div>
          <div class="bench-rest">
            <Calls />
            <RecentTasks />
          </div>
        </div>
      </main>
      <TokenDialog />
    </>
  )
}

/** Ctrl+Enter (Cmd+Enter) runs the recipe, wherever the focus is. */
function useRunKey(): void {
  const { start, run } = useApp()
  useEffect(() => {
    const stop = new AbortController()
    const listen = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      const { value: phase } = run.phase
      if (phase !== 'uploading' && phase !== 'active') start()
    }
    document.addEventListener('keydown', listen, { signal: stop.signal })
    return () => stop.abort()
  }, [])
}
