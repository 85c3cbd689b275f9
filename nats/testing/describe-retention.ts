import { printDuration } from '@pixelflow/platform/config/time-span'
import { streamsOf, type Layout } from '../topology/streams.ts'

/** Markdown table rows: each stream with its subjects, maximum age and size. */
export function describeRetention(layout: Layout): string[] {
  return streamsOf(layout).map((stream) => {
    const age = stream.max_age ? printDuration(stream.max_age / 1e6) : 'until it is done'
    const most = stream.max_msgs ? `${stream.max_msgs} messages` : '–'
    return `| \`${stream.name}\` | ${stream.subjects?.map((one) => `\`${one}\``).join(', ')} | ${age} | ${most} |`
  })
}
