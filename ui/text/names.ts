import type { OutputView } from '@pixelflow/core/api'
import { format } from '@pixelflow/core/format'

/** What to call a result when it is saved: the source's name with the result's ending, told apart by output. */
export function resultFileName(source: string, output: Pick<OutputView, 'name' | 'format'>): string {
  const stem = source.replace(/\.[^.]{1,5}$/, '') || 'image'
  const label = output.name === 'default' ? '' : `-${output.name}`
  return `${stem}${label}.${format(output.format).extensions[0]}`
}

/** `jpeg` → `JPEG`, `webp` → `WebP`: as people write them. */
export function formatName(id: string): string {
  return id === 'webp' ? 'WebP' : id.toUpperCase()
}

/** `a, b and c` */
export function inList(words: readonly string[]): string {
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(words)
}
