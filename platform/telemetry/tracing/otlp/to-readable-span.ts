import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { SpanRecord } from '../span-record.ts'
import type { TraceContext } from '../trace-context.ts'

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}

const scope = { name: 'pixelflow' }

/** A span as the processors and exporters of OpenTelemetry read it. */
export function toReadableSpan(span: SpanRecord, resource: Resource): ReadableSpan {
  const { name, kind, context, parentSpanId, startMs, endMs, attributes, links, error } = span
  const own = toSpanContext(context)
  return {
    name,
    kind: kinds[kind],
    spanContext: () => own,
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: { ...own, spanId: parentSpanId, isRemote: span.isParentRemote } }),
    startTime: toHrTime(startMs),
    endTime: toHrTime(endMs),
    duration: toHrTime(endMs - startMs),
    status:
      error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links: links.map((one) => ({ context: toSpanContext(one) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

export function toSpanContext({ traceId, spanId, isSampled, isRemote = false }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote }
}

/** Seconds and nanoseconds. */
function toHrTime(valueMs: number): HrTime {
  const seconds = Math.floor(valueMs / 1000)
  return [seconds, Math.round((valueMs - seconds * 1000) * 1e6)]
}
