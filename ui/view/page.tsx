import { useEffect } from 'preact/hooks'
import { AlertList } from './alert-list.tsx'
import { TerminalCommands } from './terminal-commands.tsx'
import { useApp } from './use-app.ts'
import { NoticeBox } from './notice-box.tsx'
import { PageHeader } from './page-header.tsx'
import { ImagePanel } from './image-panel.tsx'
import { RecentTasks } from './recent-tasks.tsx'
import { RecipePanel } from './recipe-panel.tsx'
import { TokenDialog } from './token-dialog.tsx'
import { useFileDrop } from './use-file-drop.ts'

/** The page: image on the left, recipe on the right, recent tasks below. */
export function Page() {
  const { selectFiles, server, reload } = useApp()
  const isOver = useFileDrop(selectFiles)
  useRunKey()
  const failure = server.failure.value
  return (
    <>
      <PageHeader />
      <main class="page">
        <AlertList />
        {failure === null ? null : (
          <NoticeBox notice={failure}>
            <button type="button" class="button button-small" onClick={reload}>
              Try again
            </button>
          </NoticeBox>
        )}
        <div class="workspace">
          <div class="workspace-main">
            <ImagePanel isOver={isOver.value} />
          </div>
          <div class="workspace-side">
            <RecipePanel />
          </div>
          <div class="workspace-rest">
            <TerminalCommands />
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
    const abortController = new AbortController()
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      const { value: phase } = run.phase
      if (phase !== 'uploading' && phase !== 'active') start()
    }
    document.addEventListener('keydown', onKeyDown, { signal: abortController.signal })
    return () => abortController.abort()
  }, [])
}
