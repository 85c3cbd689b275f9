import { computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, TuneEvent, TunePreview, Tuning } from '@pixelflow/client'
import type { Recipes } from './recipe.ts'

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

/** A tuning session of the page. */
export interface Dialog {
  /** The latest preview; kept when a change is refused or the connection is lost. */
  readonly preview: ReadonlySignal<Preview | null>
  /** Whether the latest change is unanswered. */
  readonly isBehind: ReadonlySignal<boolean>
  /** Why the latest change has no preview, if it has none. */
  readonly refused: ReadonlySignal<string | null>
  /** The selected output; null selects the first. */
  readonly output: ReadonlySignal<string | null>
  show(output: string): void
  /**
   * Runs one session from `open` to `close`.
   * @throws PixelflowError with the reason of the close; the signal's reason.
   */
  hold(image: string, stop: AbortSignal, onOpen: () => void): Promise<void>
  clear(): void
}

export interface DialogNeeds {
  readonly client: Client
  readonly recipes: Recipes
  /** Resolves when the image at a URL is decoded. */
  readonly draw: (url: string) => Promise<unknown>
}

export function createDialog({ client, recipes, draw }: DialogNeeds): Dialog {
  const preview = signal<Preview | null>(null)
  const refused = signal<string | null>(null)
  const output = signal<string | null>(null)
  const said = signal(0)
  const answered = signal(0)

  /** The current request; null while the recipe is invalid. */
  const wanted = computed(() => {
    const ready = recipes.ready.value
    if (ready === null) return null
    const shown = ready.outputs.find((name) => name === output.value) ?? ready.outputs[0] ?? 'default'
    return { recipe: ready.body, output: shown, key: `${shown} ${ready.key}` }
  })

  function put(next: Preview | null): void {
    const before = preview.peek()
    preview.value = next
    if (before !== null) URL.revokeObjectURL(before.url)
  }

  async function take(heard: TunePreview, stop: AbortSignal): Promise<void> {
    const url = URL.createObjectURL(new Blob([heard.file as BlobPart], { type: heard.mediaType }))
    // Replaces the previous preview only when it can be painted at once; otherwise the image would flicker.
    await draw(url)
    if (stop.aborted) return URL.revokeObjectURL(url)
    put({ output: heard.output, url, ...heard.result })
    answered.value = heard.sequence
    refused.value = null
  }

  function refuse({ sequence, fault }: Extract<TuneEvent, { type: 'refused' }>): void {
    // A later change may have corrected the refused one.
    if (sequence !== said.peek()) return
    answered.value = sequence
    refused.value = fault.detail
    if (fault.field !== undefined) recipes.mark(fault.field, fault.detail)
  }

  /** Sends every change immediately; returns a function that stops this. */
  function follow(tuning: Tuning, first: string): () => void {
    let last = first
    return effect(() => {
      const next = wanted.value
      if (next === null || next.key === last) return
      last = next.key
      said.value = tuning.change({ recipe: next.recipe, output: next.output })
    })
  }

  return {
    preview,
    isBehind: computed(() => said.value > answered.value),
    refused,
    output,
    show: (name) => (output.value = name),
    async hold(image, stop, onOpen) {
      const begin = wanted.peek()
      if (begin === null) return
      // `open` counts as change 0 and is unanswered.
      said.value = 0
      answered.value = -1
      const { key, ...first } = begin
      // Without an actor the caller reports the error at once, and retries.
      const tuning = await client.tune({ image, ...first, retries: 0, signal: stop })
      onOpen()
      const end = follow(tuning, key)
      try {
        for await (const heard of tuning) {
          if (heard.type === 'preview') await take(heard, stop)
          if (heard.type === 'refused') refuse(heard)
          if (stop.aborted) return
        }
      } finally {
        end()
      }
    },
    clear() {
      put(null)
      refused.value = null
      said.value = answered.value = 0
    },
  }
}
