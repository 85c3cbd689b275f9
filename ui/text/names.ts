import type { OutputView } from '@pixelflow/core/views'
import { format } from '@pixelflow/core/format'

/** File name for a saved result: the source's name and the output's, never equal to the source's name. */
export function resultFileName(source: string, output: Pick<OutputView, 'name' | 'format'>): string {
  const stem = source.replace(/\.[^.]{1,5}$/, '') || 'image'
  const ending = format(output.format).extensions[0]
  if (output.name !== 'default') return `${stem}.${output.name}.${ending}`
  const name = `${stem}.${ending}`
  return name === source ? `${stem}.out.${ending}` : name
}

/** `jpeg` → `JPEG`, `webp` → `WebP`: the usual spelling. */
export function formatName(id: string): string {
  return id === 'webp' ? 'WebP' : id.toUpperCase()
}

/** `a, b and c` */
export function inList(words: readonly string[]): string {
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(words)
}
