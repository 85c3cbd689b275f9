import { hostname } from 'node:os'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace'
import type { Loss } from '../report-losses.ts'
import type { TraceSettings } from '../trace-settings.ts'
import type { SpanRecord, SpanSink } from '../span-record.ts'
import { toReadableSpan } from './to-readable-span.ts'

export interface OtlpOptions {
  /** The complete address that spans are sent to. */
  readonly url: string
  readonly settings: TraceSettings
  readonly service: string
  readonly version: string
  readonly onLoss: (loss: Loss) => void
}

/** Spans that wait for the collector. Further ones are lost, so that a slow collector costs a bounded amount of memory. */
const maxWaiting = 4096
const batchSize = 512
const sendEveryMs = 1000

/** Sends spans to a collector: OTLP over HTTP, in batches, one request at a time. */
export class OtlpSink implements SpanSink {
  readonly #processor: BatchSpanProcessor
  readonly #resource: Resource
  readonly #onLoss: (loss: Loss) => void
  #waiting = 0

  constructor({ url, settings, service, version, onLoss }: OtlpOptions) {
    this.#resource = resourceFromAttributes({
      'service.namespace': 'pixelflow',
      'service.name': `pixelflow-${service}`,
      'service.version': version,
      'service.instance.id': `${hostname()}.${process.pid}`,
      'host.name': hostname(),
      'process.pid': process.pid,
    })
    const exporter = new OTLPTraceExporter({
      url,
      timeoutMillis: settings.otlpTimeoutMs,
      ...(settings.otlpHeaders === undefined ? {} : { headers: settings.otlpHeaders }),
    })
    this.#onLoss = onLoss
    this.#processor = new BatchSpanProcessor({
      exporter: this.#watch(exporter),
      maxQueueSize: maxWaiting,
      maxExportBatchSize: batchSize,
      scheduledDelayMillis: sendEveryMs,
      exportTimeoutMillis: settings.otlpTimeoutMs + 1000,
    })
  }

  add(span: SpanRecord): void {
    if (!span.context.isSampled) return
    // The processor drops spans without a report.
    if (this.#waiting >= maxWaiting) return this.#onLoss({ spans: 1 })
    this.#waiting += 1
    this.#processor.onEnd(toReadableSpan(span, this.#resource))
  }

  async close(): Promise<void> {
    // It rejects for spans that are already reported as lost.
    await this.#processor.shutdown().catch(() => {})
  }

  /** Counts the spans that leave, and reports failures, which the processor does not. */
  #watch(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        this.#waiting -= spans.length
        exporter.export(spans, (result) => {
          if (result.error !== undefined) this.#onLoss({ spans: spans.length, error: result.error })
          done(result)
        })
      },
      forceFlush: async () => exporter.forceFlush?.(),
      shutdown: () => exporter.shutdown(),
    }
  }
}
