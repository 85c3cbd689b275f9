/** The metrics of a `/metrics` endpoint. */
export interface PrometheusMetrics {
  /** Names of all metrics, as in their TYPE lines. */
  readonly names: readonly string[]
  /** The sum of all series with these labels; 0 if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** All series of that name, e.g. `http_requests_total` or `x_seconds_bucket`. */
  series(name: string): readonly Series[]
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: Map<string, Map<string, Series>>
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/y

/** Parses Prometheus' text format 0.0.4 strictly. @throws Error that shows the first invalid line. */
export function parsePrometheus(text: string): PrometheusMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line has no line break')
  const families = new Map<string, Family>()
  let current: Family | undefined
  let help: string | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const invalid = (reason: string) => new Error(`${reason}: ${line}`)
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(name)) throw invalid('duplicate metric')
      help = rest
    } else if (kind === 'TYPE') {
      if (families.has(name)) throw invalid('duplicate metric')
      if (help === undefined) throw invalid('missing HELP')
      if (rest !== 'counter' && rest !== 'gauge' && rest !== 'histogram') throw invalid('unknown type')
      current = { name, help, type: rest, samples: new Map() }
      help = undefined
      families.set(name, current)
    } else {
      if (!current) throw invalid('missing TYPE')
      addSample(current, line, invalid)
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') requireHistogram(family)

  const series = (name: string) => {
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''))
    return [...(family?.samples.get(name)?.values() ?? [])]
  }
  return {
    names: [...families.keys()],
    series,
    value: (name, labels = {}) =>
      series(name)
        .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
        .reduce((sum, one) => sum + one.value, 0),
  }
}

function addSample(family: Family, line: string, invalid: (reason: string) => Error): void {
  const [, name = '', inner = '', number = ''] = sample.exec(line) ?? []
  if (name === '') throw invalid('invalid sample')
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
  if (!suffixes.some((suffix) => name === family.name + suffix))
    throw invalid(`sample of another metric than ${family.name}`)
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  for (let at = 0; at < inner.length; at = label.lastIndex) {
    const [, key = '', value = ''] = label.exec(inner) ?? []
    if (key === '' || key in labels) throw invalid('invalid labels')
    labels[key] = value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))
  }
  const value = Number(number.replace('Inf', 'Infinity'))
  if (family.type === 'counter' && !(value >= 0)) throw invalid('negative counter')
  const id = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
  const known = family.samples.get(name) ?? new Map<string, Series>()
  if (known.has(id)) throw invalid('duplicate series')
  family.samples.set(name, known.set(id, { labels, value }))
}

/** Requires that bucket counts do not decrease, and that the last bucket is +Inf and counts everything. */
function requireHistogram({ name, samples }: Family): void {
  const groups = new Map<string, Series[]>()
  for (const one of samples.get(`${name}_bucket`)?.values() ?? []) {
    const { le: _, ...rest } = one.labels
    const id = JSON.stringify(rest)
    groups.set(id, [...(groups.get(id) ?? []), one])
  }
  const counts = [...(samples.get(`${name}_count`)?.values() ?? [])]
  if (counts.length !== groups.size) throw new Error(`${name} has ${groups.size} sets of buckets`)
  for (const [i, buckets] of [...groups.values()].entries()) {
    const bounds = buckets.map((one) => Number(one.labels['le']?.replace('Inf', 'Infinity')))
    const isRising = buckets.every(
      (one, at) => at === 0 || (one.value >= (buckets[at - 1]?.value ?? 0) && bounds[at]! > bounds[at - 1]!),
    )
    if (!isRising || bounds.at(-1) !== Infinity || buckets.at(-1)?.value !== counts[i]?.value) {
      throw new Error(`the buckets of ${name} are inconsistent`)
    }
  }
}
