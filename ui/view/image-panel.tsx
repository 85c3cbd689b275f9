import { useEffect, useRef } from 'preact/hooks'
import { useApp } from './use-app.ts'
import { DropZone } from './drop-zone.tsx'
import { NoticeBox } from './notice-box.tsx'
import { Progress } from './progress.tsx'
import { SourceBar } from './source-bar.tsx'
import { ImageViewer } from './image-viewer.tsx'

/** The area of the current image: its source, its preview or its result. */
export function ImagePanel({ isOver }: { isOver: boolean }) {
  const { selection, run } = useApp()
  const isEmpty = selection.current.value === null && run.task.value === null
  const failure = run.failure.value
  const phase = run.phase.value
  const panel = useRef<HTMLElement>(null)

  useEffect(() => {
    const isBusy = phase === 'uploading' || phase === 'active'
    const top = panel.current?.getBoundingClientRect().top ?? 0
    // Where the recipe is below the image, running it would otherwise change an image out of view.
    if (isBusy && top < 0) panel.current?.scrollIntoView({ block: 'start' })
  }, [phase])

  return (
    <section
      ref={panel}
      class={isOver ? 'panel image-panel image-panel-over' : 'panel image-panel'}
      aria-label="Image"
    >
      {isEmpty ? (
        <DropZone />
      ) : (
        <>
          <SourceBar />
          <ImageViewer />
        </>
      )}
      <Progress />
      <div role="alert">{failure === null ? null : <NoticeBox notice={failure} />}</div>
    </section>
  )
}
