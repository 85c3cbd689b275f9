import type { Source } from '../app/source.ts'
import { formatName } from '../text/names.ts'
import { Comparison } from './comparison.tsx'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { LiveBar } from './live-bar.tsx'
import { NoticeBox } from './notice-box.tsx'
import { Peek } from './peek.tsx'
import { ResultBar } from './result-bar.tsx'
import { useAfter } from './use-after.ts'

/** The current image: the source alone, its live preview, the running task, or the comparison with its result. */
export function Stage() {
  const { sources, run, live, isSettled } = useApp()
  const { after, shown } = useAfter()
  const source = sources.current.value
  const refusal = sources.refusal.value
  const phase = run.phase.value
  if (refusal !== null) return <NoticeBox notice={refusal} />
  const isBusy = phase === 'uploading' || phase === 'active'
  // Space for the preview is reserved while one is expected, so that the layout does not move when it appears.
  const isLive = live.state.value !== 'off'
  const isCompared = after !== null || (isLive && source?.drawable === true)
  const stage = ['stage', ...(isBusy ? ['stage-busy'] : []), ...(isLive ? ['stage-live'] : [])].join(' ')
  return (
    <>
      {isCompared ? (
        <Comparison after={after} source={source} stage={stage} />
      ) : (
        <div class={stage}>{source === null ? <Gone /> : <Plain source={source} />}</div>
      )}
      <Peek after={after} />
      {source === null ? null : <LiveBar />}
      {shown === null ? null : (
        <ResultBar
          results={run.results.value}
          shown={shown}
          source={source}
          isOld={!isSettled.value && !isBusy}
        />
      )}
    </>
  )
}

function Plain({ source }: { source: Source }) {
  const { url, drawable, name, format } = source
  if (url === null || drawable === null)
    return <div class="stage-waiting" role="status" aria-label="Opening the picture" />
  if (drawable) return <img class="stage-picture" src={url} alt={`${name}, as chosen`} />
  return (
    <div class="stage-blank">
      <Icon name="picture" />
      <p>
        {format === undefined
          ? 'No preview'
          : `No preview: this browser cannot display this ${formatName(format)} file.`}
      </p>
    </div>
  )
}

function Gone() {
  return (
    <div class="stage-blank">
      <Icon name="picture" />
      <p>No preview</p>
    </div>
  )
}
