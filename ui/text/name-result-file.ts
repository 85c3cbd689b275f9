import type { OutputView } from '@pixelflow/core/views'
import { formatOf } from '@pixelflow/core/format'

/** File name for a saved result: the source's name and the output's, never equal to the source's name. */
export function nameResultFile(source: string, output: Pick<OutputView, 'name' | 'format'>): string {
  const stem = source.replace(/\.[^.]{1,5}$/, '') || 'image'
  const extension = formatOf(output.format).extensions[0]
  if (output.name !== 'default') return `${stem}.${output.name}.${extension}`
  const name = `${stem}.${extension}`
  return name === source ? `${stem}.out.${extension}` : name
}
