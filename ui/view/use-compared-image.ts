import type { Result } from '../app/results.ts'
import { useApp } from './use-app.ts'

/** The image compared with the source: a result or a live preview. */
export interface ComparedImage {
  readonly name: string
  readonly url: string
  /** Size of the result in pixels. */
  readonly width: number
  readonly height: number
  readonly isPreview: boolean
}

/** The image to compare with the source, and the result whose properties are shown. */
export function useComparedImage(): {
  readonly compared: ComparedImage | null
  readonly displayed: Result | null
} {
  const { live, editor, run, isTaskUpToDate } = useApp()
  const results = run.results.value
  const preview = live.preview.value
  const outputNames = editor.recipe.value?.outputs ?? []
  const name = [live.output.value, preview?.output].find((one) => one != null && outputNames.includes(one))
  const selected = results.find((one) => one.output.name === name)
  const displayed = selected ?? results[0] ?? null
  // A preview belongs to the current recipe, a result to the recipe that was run; the newer one is shown.
  const isResultCurrent = isTaskUpToDate.value && (selected !== undefined || name === undefined)
  if (preview !== null && !(isResultCurrent && displayed !== null)) {
    const { output, url, width, height } = preview
    return { compared: { name: output, url, width, height, isPreview: true }, displayed }
  }
  if (displayed === null) return { compared: null, displayed }
  const { width, height } = displayed.output
  return {
    compared: { name: displayed.output.name, url: displayed.url, width, height, isPreview: false },
    displayed,
  }
}

/** Decoded synchronously with the change of `src`, so that an image that was decoded before does not flicker. */
export function imageAttributes({ url, name, isPreview }: ComparedImage) {
  const what = isPreview ? 'Preview' : 'Result'
  return {
    src: url,
    alt: name === 'default' ? what : `${what} ${name}`,
    decoding: 'sync' as const,
    'data-testid': what.toLowerCase(),
  }
}
