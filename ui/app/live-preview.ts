import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals'
import { PixelflowError } from '@pixelflow/client'
import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import { createPreviewSession, type PreviewSession, type PreviewSessionOptions } from './preview-session.ts'
import type { ImageSelection } from './image-selection.ts'
import type { TabCredentials } from './tab-credentials.ts'
import type { Uploads } from './uploads.ts'

/** State of the live preview: `idle` when nothing has changed, `live` while the session follows changes. */
export type LivePreviewState =
  | 'off'
  | 'idle'
  | 'uploading'
  | 'opening'
  | 'live'
  | 'reconnecting'
  /** `unavailableReason` has the reason. */
  | 'unavailable'

/** The live preview, which follows changes of the recipe. */
export interface LivePreview extends Pick<
  PreviewSession,
  'preview' | 'isBehind' | 'refusalReason' | 'output' | 'selectOutput'
> {
  /** Whether the user has enabled it; stored in the browser. */
  readonly isEnabled: ReadonlySignal<boolean>
  readonly state: ReadonlySignal<LivePreviewState>
  readonly unavailableReason: ReadonlySignal<string | null>
  setEnabled(enabled: boolean): void
}

export interface LivePreviewOptions extends PreviewSessionOptions {
  readonly selection: ImageSelection
  readonly uploads: Uploads
  readonly credentials: TabCredentials
  /** Whether the result of the current recipe exists or is being computed. */
  readonly isTaskUpToDate: ReadonlySignal<boolean>
  readonly page: Pick<Window, 'addEventListener' | 'localStorage'>
  readonly reportErrors: (work: Promise<unknown>) => void
  readonly firstPauseMs?: number
}

const storageKey = 'pixelflow.live'
const maxPauseMs = 20_000

export function createLivePreview(options: LivePreviewOptions): LivePreview {
  const { selection, uploads, editor, credentials, isTaskUpToDate, page, firstPauseMs = 500 } = options
  const isEnabled = signal(page.localStorage.getItem(storageKey) !== 'off')
  const isPageHidden = signal(false)
  const state = signal<LivePreviewState>('off')
  const unavailableReason = signal<string | null>(null)
  const session = createPreviewSession(options)

  /** Changes with every restart; null while there is nothing to show. */
  const subject = computed(() => {
    const source = selection.current.value
    const isUsable = source?.file != null && source.isDecodable !== null && selection.refusal.value === null
    return isEnabled.value && !isPageHidden.value && isUsable
      ? `${source.url} ${credentials.current.value}`
      : null
  })
  const recipeKey = computed(() => editor.recipe.value?.key ?? null)
  const isNeeded = computed(() => recipeKey.value !== null && !isTaskUpToDate.value)

  /** Keeps a session open on the current image while it is needed. */
  async function followChanges(abortSignal: AbortSignal): Promise<void> {
    let failures = 0
    const nextPauseMs = () => backoffMs(failures, { initialMs: firstPauseMs, maxMs: maxPauseMs })
    while (!abortSignal.aborted) {
      try {
        if (!isNeeded.peek()) state.value = 'idle'
        await waitUntil(isNeeded, abortSignal)
        if (selection.current.peek()?.imageId == null) state.value = 'uploading'
        const image = await uploads.send(abortSignal)
        // Repeated attempts are reported once.
        if (state.peek() !== 'reconnecting' && state.peek() !== 'unavailable') state.value = 'opening'
        await session.run(image, abortSignal, () => {
          state.value = 'live'
          failures = 0
        })
        await pause(nextPauseMs(), abortSignal)
      } catch (thrown) {
        if (abortSignal.aborted) return
        if (!(thrown instanceof PixelflowError)) throw thrown
        failures += 1
        if (!(await recover(thrown, nextPauseMs(), abortSignal))) return
      }
    }
  }

  /** Waits for an event that can resolve the error; false when none can. */
  async function recover(error: PixelflowError, pauseMs: number, abortSignal: AbortSignal): Promise<boolean> {
    // An idle session ends with deadline_exceeded; the next change opens another.
    if (error.isRecipeFault || error.code === 'deadline_exceeded') {
      const before = recipeKey.peek()
      if (error.field !== undefined) editor.markProblem(error.field, error.detail)
      state.value = 'idle'
      await waitUntil(
        computed(() => recipeKey.value !== before),
        abortSignal,
      )
      return true
    }
    if (error.code === 'image_not_found' && selection.current.peek()?.imageId != null) {
      selection.setStored(null)
      return true
    }
    unavailableReason.value =
      error.code === 'unavailable' ? 'Previews are not available now. The page keeps trying.' : error.detail
    if (error.code === 'unauthenticated') {
      state.value = 'unavailable'
      // A new token restarts everything.
      await credentials.ask(credentials.token())
      return false
    }
    const canPass = error.isTemporary || error.status >= 500
    state.value = canPass && session.preview.peek() !== null ? 'reconnecting' : 'unavailable'
    if (canPass) await pause(pauseMs, abortSignal)
    return canPass
  }

  let abortController = new AbortController()
  effect(() => {
    const hasSubject = subject.value !== null
    abortController.abort()
    abortController = new AbortController()
    const { signal } = abortController
    untracked(() => {
      session.clear()
      state.value = 'off'
      unavailableReason.value = null
      if (hasSubject) options.reportErrors(followChanges(signal))
    })
  })
  page.addEventListener('pagehide', () => (isPageHidden.value = true))
  page.addEventListener('pageshow', () => (isPageHidden.value = false))

  return {
    ...session,
    isEnabled,
    state,
    unavailableReason,
    setEnabled(enabled) {
      isEnabled.value = enabled
      if (enabled) page.localStorage.removeItem(storageKey)
      else page.localStorage.setItem(storageKey, 'off')
    },
  }
}

/** Resolves when the condition holds. @throws the signal's reason. */
function waitUntil(holds: ReadonlySignal<boolean>, abortSignal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => reject(abortSignal.reason)
  abortSignal.addEventListener('abort', onAbort, { once: true })
  const dispose = effect(() => {
    if (holds.value) resolve()
  })
  return promise.finally(() => {
    dispose()
    abortSignal.removeEventListener('abort', onAbort)
  })
}
