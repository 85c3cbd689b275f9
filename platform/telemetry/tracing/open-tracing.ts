import { existsSync } from 'node:fs'
import { InvalidSettings } from '../../config/read-settings.ts'
import type { Logger } from '../logger.ts'
import { reportLosses } from './report-losses.ts'
import { TraceRing } from './ring/trace-ring.ts'
import type { SpanSink } from './span-record.ts'
import type { TraceSettings } from './trace-settings.ts'
import { startTracing, type Recorder } from './tracing.ts'

export interface TracingOptions {
  /** Name of the service, in lower-case letters. */
  readonly service: string
  readonly version: string
  readonly settings: TraceSettings
  readonly log: Logger
}

/** A collector or a file system that does not answer must not delay the end of a process. */
const closeTimeoutMs = 1000

/**
 * Turns tracing on if the settings say so. Disposing sends what is left, in at most a second.
 * @throws InvalidSettings when the folder of the ring or the certificate of the collector cannot be used.
 */
export async function openTracing(options: TracingOptions): Promise<AsyncDisposable> {
  const ring = openRing(options)
  const collector = await openCollector(options)
  const sinks: readonly SpanSink[] = [ring, collector?.sink].filter((one) => one !== undefined)
  if (sinks.length === 0) return { [Symbol.asyncDispose]: () => Promise.resolve() }
  const started = startTracing({
    isSampled: collector?.isSampled ?? (() => true),
    recordsAll: ring !== undefined,
    record: (span) => {
      for (const sink of sinks) sink.add(span)
    },
  })
  return {
    async [Symbol.asyncDispose]() {
      started[Symbol.dispose]()
      const closed = Promise.allSettled(sinks.map((sink) => sink.close()))
      await Promise.race([closed, Bun.sleep(closeTimeoutMs)])
    },
  }
}

function openRing({ service, settings, log }: TracingOptions): TraceRing | undefined {
  const { traceRingFolder: folder, traceRingBytes: maxBytes } = settings
  if (folder === undefined || maxBytes === 0) return undefined
  return new TraceRing({ folder, maxBytes, service, onLoss: reportLosses(log, { target: folder }) })
}

async function openCollector({
  service,
  version,
  settings,
  log,
}: TracingOptions): Promise<{ sink: SpanSink; isSampled: Recorder['isSampled'] } | undefined> {
  const { otlpCertificateFile: certificate } = settings
  const url = collectorUrlOf(settings)
  if (url === undefined) return undefined
  if (certificate !== undefined && !existsSync(certificate)) {
    throw new InvalidSettings([
      {
        variable: `OTEL_EXPORTER_OTLP_CERTIFICATE=${JSON.stringify(certificate)}`,
        problem: 'does not exist',
        remedy: 'Give the path of a PEM file.',
      },
    ])
  }
  // The SDK takes 20 MB of memory, so it is loaded only where spans are sent.
  const [{ OtlpSink }, { createSampler }] = await Promise.all([
    import('./otlp/otlp-sink.ts'),
    import('./otlp/create-sampler.ts'),
  ])
  const onLoss = reportLosses(log, { target: url })
  return {
    sink: new OtlpSink({ url, settings, service, version, onLoss }),
    isSampled: createSampler(settings),
  }
}

/** Where spans are sent, as OpenTelemetry defines it; undefined when they are not sent. */
function collectorUrlOf({
  otlpEndpoint,
  otlpTracesEndpoint,
  otelDisabled,
}: TraceSettings): string | undefined {
  if (otelDisabled === 'true') return undefined
  return otlpTracesEndpoint ?? (otlpEndpoint && `${otlpEndpoint.replace(/\/$/, '')}/v1/traces`)
}
