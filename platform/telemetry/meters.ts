import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

/** One metric of a table: its name in Prometheus, what it counts, and the labels that each of its series has. */
export interface Metric<
  K extends 'counter' | 'gauge' | 'histogram' = 'counter' | 'gauge' | 'histogram',
  L extends string = string,
> {
  readonly kind: K
  readonly name: string
  readonly help: string
  readonly labels: readonly L[]
  /** Upper bounds, in the metric's own unit; only of histograms. */
  readonly bounds?: readonly number[]
}

/** The metrics of a service, by the names the code has for them. */
export type MetricTable = Readonly<Record<string, Metric>>

type Labels<M extends Metric> = Readonly<Record<M['labels'][number], string>>
type Of<T extends MetricTable, K extends Metric['kind']> = {
  [N in keyof T]: T[N]['kind'] extends K ? N : never
}[keyof T]

/** A value that is looked up when somebody reads the metrics; NaN when it cannot be known just then. */
type Read = () => number

/** The instruments of a table. Each is made when it is first asked for; what nobody asks for is not served. */
export interface Meters<T extends MetricTable> extends AsyncDisposable {
  /** Adds to a series, which need not be there yet; 0 makes it appear. */
  counter<N extends Of<T, 'counter'>>(name: N): (by: number, labels: Labels<T[N]>) => void
  histogram<N extends Of<T, 'histogram'>>(name: N): (value: number, labels: Labels<T[N]>) => void
  gauge<N extends Of<T, 'gauge'>>(name: N): (value: number, labels: Labels<T[N]>) => void
  /** A series without labels that costs nothing until it is read. */
  watch<N extends Of<T, 'counter' | 'gauge'>>(name: N, read: Read): void
  /** Called before each reading, for values that take a question; what it throws is nobody's loss. */
  before(look: () => Promise<void>): void
  /** Everything, in the text format of Prometheus 0.0.4. */
  text(): Promise<string>
}

/** Media type of what `text` returns. */
export const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Opens the metrics of a process: OpenTelemetry inside, Prometheus text outside, and no port of their own. A metric has
 * 2,000 series at most, by the SDK's own limit; what goes beyond is counted together.
 */
export function openMeters<const T extends MetricTable>(table: T): Meters<T> {
  const reader = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter('pixelflow')
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  const looks: (() => Promise<void>)[] = []
  const about = (name: keyof T) => {
    const { name: called, help, bounds } = table[name] as Metric
    const advice = bounds === undefined ? {} : { advice: { explicitBucketBoundaries: [...bounds] } }
    return [called, { description: help, ...advice }] as const
  }

  return {
    counter(name) {
      const counter = meter.createCounter(...about(name))
      return (by, labels) => counter.add(by, labels)
    },
    histogram(name) {
      const histogram = meter.createHistogram(...about(name))
      return (value, labels) => histogram.record(value, labels)
    },
    gauge(name) {
      const gauge = meter.createGauge(...about(name))
      return (value, labels) => gauge.record(value, labels)
    },
    watch(name, read) {
      const make =
        (table[name] as Metric).kind === 'counter' ? 'createObservableCounter' : 'createObservableGauge'
      meter[make](...about(name)).addCallback((result) => result.observe(read()))
    },
    before: (look) => void looks.push(look),
    async text() {
      await Promise.allSettled(looks.map((look) => look()))
      const { resourceMetrics } = await reader.collect()
      return `${serializer.serialize(resourceMetrics).trimEnd()}\n`
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  }
}
