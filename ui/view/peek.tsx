import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { After } from './use-after.ts'

/**
 * The newest picture in a corner, where the recipe lies below the picture and is longer than the screen: what a slider
 * does would otherwise be out of sight. Only for eyes and fingers; readers of the screen have the picture itself.
 */
export function Peek({ after }: { after: After | null }) {
  const place = useRef<HTMLSpanElement>(null)
  const isAbove = useSignal(false)

  useEffect(() => {
    const watcher = new IntersectionObserver(([entry]) => {
      isAbove.value = entry !== undefined && !entry.isIntersecting && entry.boundingClientRect.top < 0
    })
    if (place.current !== null) watcher.observe(place.current)
    return () => watcher.disconnect()
  }, [])

  return (
    <>
      <span ref={place} />
      {after === null || !isAbove.value ? null : (
        <button
          type="button"
          class="peek"
          tabIndex={-1}
          aria-hidden="true"
          onClick={() => document.querySelector('.table')?.scrollIntoView()}
        >
          <img src={after.url} alt="" decoding="sync" />
        </button>
      )}
    </>
  )
}
