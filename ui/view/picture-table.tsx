import { useEffect, useRef } from 'preact/hooks'
import { useApp } from './context.ts'
import { DropZone } from './drop-zone.tsx'
import { NoticeBox } from './notice-box.tsx'
import { Progress } from './progress.tsx'
import { SourceBar } from './source-bar.tsx'
import { Stage } from './stage.tsx'

/** The area of the current image: its source, its preview or its result. */
export function PictureTable({ isOver }: { isOver: boolean }) {
  const { sources, run } = useApp()
  const isEmpty = sources.current.value === null && run.task.value === null
  const failure = run.failure.value
  const phase = run.phase.value
  const table = useRef<HTMLElement>(null)

  useEffect(() => {
    const isBusy = phase === 'uploading' || phase === 'active'
    const top = table.current?.getBoundingClientRect().top ?? 0
    // Where the recipe is below the image, running it would otherwise change an image out of view.
    if (isBusy && top < 0) table.current?.scrollIntoView({ block: 'start' })
  }, [phase])

  return (
    <section ref={table} class={isOver ? 'panel table table-over' : 'panel table'} aria-label="Picture">
      {isEmpty ? (
        <DropZone />
      ) : (
        <>
          <SourceBar />
          <Stage />
        </>
      )}
      <Progress />
      <div role="alert">{failure === null ? null : <NoticeBox notice={failure} />}</div>
    </section>
  )
}
