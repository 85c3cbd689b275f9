import type { SelectedImage } from '../app/image-selection.ts'
import { displayFormat } from '../text/display-format.ts'
import { Comparison } from './comparison.tsx'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { LiveBar } from './live-bar.tsx'
import { NoticeBox } from './notice-box.tsx'
import { FloatingPreview } from './floating-preview.tsx'
import { ResultBar } from './result-bar.tsx'
import { useComparedImage } from './use-compared-image.ts'

/** The current image: the source alone, its live preview, the running task, or the comparison with its result. */
export function ImageViewer() {
  const { selection, run, live, isTaskUpToDate } = useApp()
  const { compared, displayed } = useComparedImage()
  const source = selection.current.value
  const refusal = selection.refusal.value
  const phase = run.phase.value
  if (refusal !== null) return <NoticeBox notice={refusal} />
  const isBusy = phase === 'uploading' || phase === 'active'
  // Space for the preview is reserved while one is expected, so that the layout does not move when it appears.
  const isLive = live.state.value !== 'off'
  const isComparing = compared !== null || (isLive && source?.isDecodable === true)
  const className = ['viewer', ...(isBusy ? ['viewer-busy'] : []), ...(isLive ? ['viewer-live'] : [])].join(
    ' ',
  )
  return (
    <>
      {isComparing ? (
        <Comparison compared={compared} source={source} className={className} />
      ) : (
        <div class={className}>{source === null ? <ExpiredImage /> : <PlainImage source={source} />}</div>
      )}
      <FloatingPreview compared={compared} />
      {source === null ? null : <LiveBar />}
      {displayed === null ? null : (
        <ResultBar
          results={run.results.value}
          displayed={displayed}
          source={source}
          isOutdated={!isTaskUpToDate.value && !isBusy}
        />
      )}
    </>
  )
}

function PlainImage({ source }: { source: SelectedImage }) {
  const { url, isDecodable, name, format } = source
  if (url === null || isDecodable === null)
    return <div class="viewer-waiting" role="status" aria-label="Opening the image" />
  if (isDecodable) return <img class="viewer-image" src={url} alt={`${name}, unchanged`} />
  return (
    <div class="viewer-blank">
      <Icon name="image" />
      <p>
        {format === undefined
          ? 'No preview: unknown format.'
          : `No preview: this browser cannot display this ${displayFormat(format)} file.`}
      </p>
    </div>
  )
}

function ExpiredImage() {
  return (
    <div class="viewer-blank">
      <Icon name="image" />
      <p>No preview: the source image has expired.</p>
    </div>
  )
}
