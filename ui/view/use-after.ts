import type { Result } from '../app/results.ts'
import { useApp } from './context.ts'

/** The image compared with the source: a result or a live preview. */
export interface After {
  readonly name: string
  readonly url: string
  /** Size of the result in pixels. */
  readonly width: number
  readonly height: number
  readonly isPreview: boolean
}

/** The image to compare with the source, and the result whose properties are shown. */
export function useAfter(): { readonly after: After | null; readonly shown: Result | null } {
  const { live, recipes, run, isSettled } = useApp()
  const results = run.results.value
  const preview = live.preview.value
  const made = recipes.ready.value?.outputs ?? []
  const name = [live.output.value, preview?.output].find((one) => one != null && made.includes(one))
  const own = results.find((one) => one.output.name === name)
  const shown = own ?? results[0] ?? null
  // A preview belongs to the current recipe, a result to the recipe that was run; the newer one is shown.
  const isThere = isSettled.value && (own !== undefined || name === undefined)
  if (preview !== null && !(isThere && shown !== null)) {
    const { output, url, width, height } = preview
    return { after: { name: output, url, width, height, isPreview: true }, shown }
  }
  if (shown === null) return { after: null, shown }
  const { width, height } = shown.output
  return { after: { name: shown.output.name, url: shown.url, width, height, isPreview: false }, shown }
}

/** Decoded synchronously with the change of `src`, so that an image that was decoded before does not flicker. */
export function picturing({ url, name, isPreview }: After) {
  const what = isPreview ? 'Preview' : 'Result'
  return {
    src: url,
    alt: name === 'default' ? what : `${what} ${name}`,
    decoding: 'sync' as const,
    'data-testid': what.toLowerCase(),
  }
}
