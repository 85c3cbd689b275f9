import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { ComparedImage } from './use-compared-image.ts'

/** Fraction of the window's height; live.css sets the same height. */
const heightFraction = 0.26

/**
 * A copy of the newest image, fixed to the top of the window. Shown while the recipe is below the image and longer than
 * the window, because the effect of a slider would otherwise be out of view. Hidden from screen readers, which have the
 * image itself.
 */
export function FloatingPreview({ compared }: { compared: ComparedImage | null }) {
  const end = useRef<HTMLSpanElement>(null)
  const isShown = useSignal(false)

  useEffect(() => {
    const recipe = document.querySelector('.recipe')
    if (end.current === null || recipe === null) return
    const isVisible = new Map<Element, boolean>()
    let isPassed = false
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting, boundingClientRect } of entries) {
          isVisible.set(target, isIntersecting)
          if (target === end.current)
            isPassed = !isIntersecting && boundingClientRect.top < innerHeight * heightFraction
        }
        isShown.value = isPassed && isVisible.get(recipe) === true
      },
      { rootMargin: `${-heightFraction * 100}% 0px 0px` },
    )
    observer.observe(end.current)
    observer.observe(recipe)
    return () => observer.disconnect()
  }, [])

  return (
    <>
      <span ref={end} />
      {compared === null || !isShown.value ? null : (
        <button
          type="button"
          class="floating-preview"
          aria-label="Back to the image"
          onClick={() => document.querySelector('.image-panel')?.scrollIntoView()}
        >
          <img src={compared.url} alt="" decoding="sync" />
        </button>
      )}
    </>
  )
}
