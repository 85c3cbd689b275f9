import { computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, TuneEvent, TunePreview, Tuning } from '@pixelflow/client'
import type { RecipeEditor } from './recipe-editor.ts'

/** A preview of the result. */
export interface Preview {
  /** Name of the output. */
  readonly output: string
  /** Object URL; revoked when the next preview has replaced it. */
  readonly url: string
  /** Size of the task's result in pixels; the preview can be smaller. */
  readonly width: number
  readonly height: number
}

/** The tuning session of the page. */
export interface PreviewSession {
  /** The latest preview; kept when a change is refused or the connection is lost. */
  readonly preview: ReadonlySignal<Preview | null>
  /** Whether the latest change is unanswered. */
  readonly isBehind: ReadonlySignal<boolean>
  /** Why the latest change has no preview, if it has none. */
  readonly refusalReason: ReadonlySignal<string | null>
  /** The selected output; null selects the first. */
  readonly output: ReadonlySignal<string | null>
  selectOutput(output: string): void
  /**
   * Runs one session from `open` to `close`.
   * @throws PixelflowError with the reason of the close; the signal's reason.
   */
  run(image: string, signal: AbortSignal, onOpen: () => void): Promise<void>
  clear(): void
}

export interface PreviewSessionOptions {
  readonly client: Client
  readonly editor: RecipeEditor
  /** Resolves when the image at a URL is decoded. */
  readonly decodeImage: (url: string) => Promise<unknown>
}

export function createPreviewSession({ client, editor, decodeImage }: PreviewSessionOptions): PreviewSession {
  const preview = signal<Preview | null>(null)
  const refusalReason = signal<string | null>(null)
  const output = signal<string | null>(null)
  const sentSequence = signal(0)
  const answeredSequence = signal(0)

  /** The current request; null while the recipe is invalid. */
  const request = computed(() => {
    const recipe = editor.recipe.value
    if (recipe === null) return null
    const selected = recipe.outputs.find((name) => name === output.value) ?? recipe.outputs[0] ?? 'default'
    return { recipe: recipe.body, output: selected, key: `${selected} ${recipe.key}` }
  })

  function replacePreview(next: Preview | null): void {
    const before = preview.peek()
    preview.value = next
    if (before !== null) URL.revokeObjectURL(before.url)
  }

  async function showPreview(event: TunePreview, signal: AbortSignal): Promise<void> {
    const url = URL.createObjectURL(new Blob([event.file as BlobPart], { type: event.mediaType }))
    // Replaces the previous preview only when it can be painted at once; otherwise the image would flicker.
    await decodeImage(url)
    if (signal.aborted) return URL.revokeObjectURL(url)
    replacePreview({ output: event.output, url, ...event.result })
    answeredSequence.value = event.sequence
    refusalReason.value = null
  }

  function showRefusal({ sequence, fault }: Extract<TuneEvent, { type: 'refused' }>): void {
    // A later change may have corrected the refused one.
    if (sequence !== sentSequence.peek()) return
    answeredSequence.value = sequence
    refusalReason.value = fault.detail
    if (fault.field !== undefined) editor.markProblem(fault.field, fault.detail)
  }

  /** Sends every change immediately; returns a function that stops this. */
  function sendChanges(tuning: Tuning, firstKey: string): () => void {
    let lastKey = firstKey
    return effect(() => {
      const next = request.value
      if (next === null || next.key === lastKey) return
      lastKey = next.key
      sentSequence.value = tuning.change({ recipe: next.recipe, output: next.output })
    })
  }

  return {
    preview,
    isBehind: computed(() => sentSequence.value > answeredSequence.value),
    refusalReason,
    output,
    selectOutput: (name) => (output.value = name),
    async run(image, signal, onOpen) {
      const current = request.peek()
      if (current === null) return
      // `open` counts as change 0 and is unanswered.
      sentSequence.value = 0
      answeredSequence.value = -1
      const { key, ...first } = current
      // Without an actor the caller reports the error at once, and retries.
      const tuning = await client.tune({ image, ...first, retries: 0, signal })
      onOpen()
      const stopSending = sendChanges(tuning, key)
      try {
        for await (const event of tuning) {
          if (event.type === 'preview') await showPreview(event, signal)
          if (event.type === 'refused') showRefusal(event)
          if (signal.aborted) return
        }
      } finally {
        stopSending()
      }
    },
    clear() {
      replacePreview(null)
      refusalReason.value = null
      sentSequence.value = answeredSequence.value = 0
    },
  }
}
