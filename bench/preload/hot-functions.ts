/** What `samplingProfilerStackTraces` of `bun:jsc` returns. */
export interface StackTraces {
  readonly traces: readonly { readonly frames: readonly StackFrame[] }[]
}

interface StackFrame {
  readonly name: string
  readonly sourceURL?: string
  readonly line?: number
}

/** Counts the innermost function of each trace. */
export function addTraces(samples: Map<string, number>, { traces }: StackTraces): void {
  for (const { frames } of traces) {
    const [frame] = frames
    if (frame === undefined) continue
    const place = frame.sourceURL ? ` ${frame.sourceURL}` : ''
    const name = `${frame.name || '(anonymous)'}${place}`
    samples.set(name, (samples.get(name) ?? 0) + 1)
  }
}

const rows = 60

/** The functions with the most samples as a table in Markdown. */
export function renderHotFunctions(samples: ReadonlyMap<string, number>): string {
  const total = [...samples.values()].reduce((sum, count) => sum + count, 0)
  const hot = [...samples].sort((one, other) => other[1] - one[1]).slice(0, rows)
  return [
    `${total} samples of the main thread. Work in native threads, such as decoding, is not in it.`,
    '',
    '| self | samples | function |',
    '| ---: | ---: | --- |',
    ...hot.map(([name, count]) => `| ${((100 * count) / total).toFixed(1)} % | ${count} | ${name} |`),
    '',
  ].join('\n')
}
