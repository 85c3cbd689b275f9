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

/** The metrics of a service, by their names in the code. */
export type MetricTable = Readonly<Record<string, Metric>>

type Labels<M extends Metric> = Readonly<Record<M['labels'][number], string>>
type Of<T extends MetricTable, K extends Metric['kind']> = {
  [N in keyof T]: T[N]['kind'] extends K ? N : never
}[keyof T]

/** Reads a value when the metrics are collected; NaN when it is unknown. */
type Read = () => number

/** The instruments of a table. Each is created on first use; unused metrics are not exported. */
export interface Meters<T extends MetricTable> extends AsyncDisposable {
  /** Adds to a series; adding 0 creates it. */
  counter<N extends Of<T, 'counter'>>(name: N): (by: number, labels: Labels<T[N]>) => void
  histogram<N extends Of<T, 'histogram'>>(name: N): (value: number, labels: Labels<T[N]>) => void
  gauge<N extends Of<T, 'gauge'>>(name: N): (value: number, labels: Labels<T[N]>) => void
  /** A series without labels whose value is read at collection only. */
  observe<N extends Of<T, 'counter' | 'gauge'>>(name: N, read: Read): void
  /** Called before each collection, for values that need a request; errors are ignored. */
  beforeCollect(collect: () => Promise<void>): void
  /** All metrics in the text format of Prometheus, version 0.0.4. */
  text(): Promise<string>
}

/** Media type of what `text` returns. */
export const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Opens the metrics of a process: OpenTelemetry instruments, exported as Prometheus text, without a port of their own. The SDK
 * limits a metric to 2,000 series; further ones are counted together.
 */
export function openMeters<const T extends MetricTable>(table: T): Meters<T> {
  const reader = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter('pixelflow')
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  const collectors: (() => Promise<void>)[] = []
  const describeMetric = (name: keyof T) => {
    const { name: metricName, help, bounds } = table[name] as Metric
    const advice = bounds === undefined ? {} : { advice: { explicitBucketBoundaries: [...bounds] } }
    return [metricName, { description: help, ...advice }] as const
  }

  return {
    counter(name) {
      const counter = meter.createCounter(...describeMetric(name))
      return (by, labels) => counter.add(by, labels)
    },
    histogram(name) {
      const histogram = meter.createHistogram(...describeMetric(name))
      return (value, labels) => histogram.record(value, labels)
    },
    gauge(name) {
      const gauge = meter.createGauge(...describeMetric(name))
      return (value, labels) => gauge.record(value, labels)
    },
    observe(name, read) {
      const make =
        (table[name] as Metric).kind === 'counter' ? 'createObservableCounter' : 'createObservableGauge'
      meter[make](...describeMetric(name)).addCallback((result) => result.observe(read()))
    },
    beforeCollect: (collect) => void collectors.push(collect),
    async text() {
      await Promise.allSettled(collectors.map((collect) => collect()))
      const { resourceMetrics } = await reader.collect()
      return `${serializer.serialize(resourceMetrics).trimEnd()}\n`
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  }
}
