import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { After } from './use-after.ts'

/** Fraction of the window's height; live.css sets the same height. */
const share = 0.26

/**
 * A copy of the newest image, fixed to the top of the window. Shown while the recipe is below the image and longer than
 * the window, because the effect of a slider would otherwise be out of view. Hidden from screen readers, which have the
 * image itself.
 */
export function Peek({ after }: { after: After | null }) {
  const end = useRef<HTMLSpanElement>(null)
  const isWanted = useSignal(false)

  useEffect(() => {
    const recipe = document.querySelector('.recipe')
    if (end.current === null || recipe === null) return
    const isInSight = new Map<Element, boolean>()
    let isPassed = false
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting, boundingClientRect } of entries) {
          isInSight.set(target, isIntersecting)
          if (target === end.current)
            isPassed = !isIntersecting && boundingClientRect.top < innerHeight * share
        }
        isWanted.value = isPassed && isInSight.get(recipe) === true
      },
      { rootMargin: `${-share * 100}% 0px 0px` },
    )
    watcher.observe(end.current)
    watcher.observe(recipe)
    return () => watcher.disconnect()
  }, [])

  return (
    <>
      <span ref={end} />
      {after === null || !isWanted.value ? null : (
        <button
          type="button"
          class="peek"
          aria-label="Back to the picture"
          onClick={() => document.querySelector('.table')?.scrollIntoView()}
        >
          <img src={after.url} alt="" decoding="sync" />
        </button>
      )}
    </>
  )
}
