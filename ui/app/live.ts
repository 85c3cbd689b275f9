import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals'
import { PixelflowError } from '@pixelflow/client'
import { pause } from '@pixelflow/core/pause'
import { createDialog, type Dialog, type DialogNeeds } from './live-dialog.ts'
import type { Session } from './session.ts'
import type { Sources } from './source.ts'
import type { Uploads } from './uploads.ts'

/**
 * State of the live preview: off, or nothing to show; idle because nothing has changed; uploading the image; opening the
 * session; following changes; reconnecting; or absent (`why` has the reason).
 */
export type LiveState = 'off' | 'resting' | 'sending' | 'opening' | 'live' | 'lost' | 'absent'

/** The live preview, which follows changes of the recipe. */
export interface Live extends Pick<Dialog, 'preview' | 'isBehind' | 'refused' | 'output'> {
  /** Whether the user has enabled it; stored in the browser. */
  readonly wanted: ReadonlySignal<boolean>
  readonly state: ReadonlySignal<LiveState>
  /** The reason in the state `absent`. */
  readonly why: ReadonlySignal<string | null>
  turn(on: boolean): void
  /** Selects the output to show. */
  show(output: string): void
}

export interface LiveNeeds extends DialogNeeds {
  readonly sources: Sources
  readonly uploads: Uploads
  readonly session: Session
  /** Whether the result of the current recipe exists or is being computed. */
  readonly isSettled: ReadonlySignal<boolean>
  readonly page: Pick<Window, 'addEventListener' | 'localStorage'>
  readonly guard: (work: Promise<unknown>) => void
  readonly firstPauseMs?: number
}

const storageKey = 'pixelflow.live'
const longestPauseMs = 20_000

/** Resolves when the condition holds. @throws the signal's reason. */
function until(holds: ReadonlySignal<boolean>, stop: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(stop.reason)
  stop.addEventListener('abort', aborted, { once: true })
  const end = effect(() => {
    if (holds.value) resolve()
  })
  return promise.finally(() => {
    end()
    stop.removeEventListener('abort', aborted)
  })
}

export function createLive(needs: LiveNeeds): Live {
  const { sources, uploads, recipes, session, isSettled, page, firstPauseMs = 500 } = needs
  const wanted = signal(page.localStorage.getItem(storageKey) !== 'off')
  const isAway = signal(false)
  const state = signal<LiveState>('off')
  const why = signal<string | null>(null)
  const dialog = createDialog(needs)

  /** Changes with every restart; null while there is nothing to show. */
  const subject = computed(() => {
    const source = sources.current.value
    const isFit = source?.file != null && source.drawable !== null && sources.refusal.value === null
    return wanted.value && !isAway.value && isFit ? `${source.url} ${session.current.value}` : null
  })
  const key = computed(() => recipes.ready.value?.key ?? null)
  const isNeeded = computed(() => key.value !== null && !isSettled.value)

  /** Keeps a session open on the current image while it is needed. */
  async function follow(stop: AbortSignal): Promise<void> {
    let pauseMs = firstPauseMs
    for (;;) {
      try {
        if (!isNeeded.peek()) state.value = 'resting'
        await until(isNeeded, stop)
        const isSent = sources.current.peek()?.imageId != null
        if (!isSent) state.value = 'sending'
        const image = await uploads.send(stop)
        // Repeated attempts are reported once.
        if (state.peek() !== 'lost' && state.peek() !== 'absent') state.value = 'opening'
        await dialog.hold(image, stop, () => {
          state.value = 'live'
          pauseMs = firstPauseMs
        })
        await pause(pauseMs, stop)
      } catch (thrown) {
        if (stop.aborted) return
        if (!(thrown instanceof PixelflowError)) throw thrown
        if (!(await recover(thrown, pauseMs, stop))) return
        pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      }
    }
  }

  /** Waits for an event that can resolve the error; false when none can. */
  async function recover(error: PixelflowError, pauseMs: number, stop: AbortSignal): Promise<boolean> {
    // An idle session ends with deadline_exceeded; the next change opens another.
    if (error.isRecipeFault || error.code === 'deadline_exceeded') {
      const before = key.peek()
      if (error.field !== undefined) recipes.mark(error.field, error.detail)
      state.value = 'resting'
      await until(
        computed(() => key.value !== before),
        stop,
      )
      return true
    }
    if (error.code === 'image_not_found' && sources.current.peek()?.imageId != null) {
      sources.stored(null)
      return true
    }
    why.value = error.code === 'unavailable' ? 'Previews are not available now.' : error.detail
    if (error.code === 'unauthenticated') {
      state.value = 'absent'
      // A new token restarts everything.
      await session.ask(session.token())
      return false
    }
    const mayPass = error.isTemporary || error.status >= 500
    state.value = mayPass && dialog.preview.peek() !== null ? 'lost' : 'absent'
    if (mayPass) await pause(pauseMs, stop)
    return mayPass
  }

  let stop = new AbortController()
  effect(() => {
    const isOn = subject.value !== null
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    untracked(() => {
      dialog.clear()
      state.value = 'off'
      why.value = null
      if (isOn) needs.guard(follow(signal))
    })
  })
  page.addEventListener('pagehide', () => (isAway.value = true))
  page.addEventListener('pageshow', () => (isAway.value = false))

  return {
    ...dialog,
    wanted,
    state,
    why,
    turn(on) {
      wanted.value = on
      if (on) page.localStorage.removeItem(storageKey)
      else page.localStorage.setItem(storageKey, 'off')
    },
    show: dialog.show,
  }
}
