import type { Source } from '../app/source.ts'
import { formatName } from '../text/names.ts'
import { Comparison } from './comparison.tsx'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { NoticeBox } from './notice-box.tsx'

/** The picture itself: as it was chosen, while it is worked on, or beside its result. */
export function Stage() {
  const { sources, run } = useApp()
  const source = sources.current.value
  const { refusal } = sources
  const results = run.results.value
  const phase = run.phase.value
  if (refusal.value !== null) return <NoticeBox notice={refusal.value} />
  if (results.length > 0) return <Comparison results={results} source={source} />
  const isBusy = phase === 'uploading' || phase === 'active'
  return (
    <div class={isBusy ? 'stage stage-busy' : 'stage'}>
      {source === null ? <Gone /> : <Preview source={source} />}
    </div>
  )
}

function Preview({ source }: { source: Source }) {
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
          : `No preview: this browser cannot draw this ${formatName(format)} file.`}
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
