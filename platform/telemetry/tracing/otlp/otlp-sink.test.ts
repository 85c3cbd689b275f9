import { describe, expect, test } from 'bun:test'
import { startOtlpCollector } from '@pixelflow/testkit/otlp-collector'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { readSettings } from '../../../config/read-settings.ts'
import type { Loss } from '../report-losses.ts'
import type { SpanRecord } from '../span-record.ts'
import { createSpanId, createTraceId } from '../trace-context.ts'
import { traceSettings } from '../trace-settings.ts'
import { createSampler } from './create-sampler.ts'
import { OtlpSink } from './otlp-sink.ts'

function openSink(endpoint: string, env: Readonly<Record<string, string>> = {}) {
  const losses: Loss[] = []
  const settings = readSettings(traceSettings, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env })
  const sink = new OtlpSink({
    url: `${endpoint}/v1/traces`,
    settings,
    service: 'gateway',
    version: '1.2.3',
    onLoss: (loss) => losses.push(loss),
  })
  return { sink, losses, lost: () => losses.reduce((sum, { spans }) => sum + spans, 0) }
}

function spanOf(given: Partial<SpanRecord> = {}): SpanRecord {
  return {
    name: 'store source',
    kind: 'client',
    context: { traceId: createTraceId(), spanId: createSpanId(), isSampled: true },
    parentSpanId: createSpanId(),
    isParentRemote: true,
    startMs: 1_796_079_050_485.25,
    endMs: 1_796_079_050_490.5,
    attributes: { 'pixelflow.task.id': 'one', bytes: 5, ratio: 0.5, cached: true },
    links: [{ traceId: createTraceId(), spanId: createSpanId(), isSampled: true }],
    error: undefined,
    ...given,
  }
}

describe('spans sent to a collector', () => {
  test('arrive complete, with headers and the process', async () => {
    await using collector = startOtlpCollector()
    const { sink, losses } = openSink(collector.endpoint, { OTEL_EXPORTER_OTLP_HEADERS: 'x-team=images' })
    const span = spanOf({ error: 'no space' })
    sink.add(span)
    sink.add(spanOf({ name: 'left out', context: { ...span.context, isSampled: false } }))
    await sink.close()
    expect(collector.requests.map(({ path, contentType }) => ({ path, contentType }))).toEqual([
      { path: '/v1/traces', contentType: 'application/x-protobuf' },
    ])
    expect(collector.requests[0]?.headers.get('x-team')).toBe('images')
    expect(collector.spans).toHaveLength(1)
    expect(collector.spans[0]).toMatchObject({
      traceId: span.context.traceId,
      spanId: span.context.spanId,
      parentSpanId: span.parentSpanId,
      name: 'store source',
      kind: 3,
      startMs: expect.closeTo(span.startMs, 2),
      endMs: expect.closeTo(span.endMs, 2),
      attributes: span.attributes,
      links: span.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
      statusCode: 2,
      statusMessage: 'no space',
      resource: {
        'service.namespace': 'pixelflow',
        'service.name': 'pixelflow-gateway',
        'service.version': '1.2.3',
        'process.pid': process.pid,
      },
    })
    expect(losses).toEqual([])
  })

  test('are sent again when the collector was unavailable for a moment', async () => {
    await using collector = startOtlpCollector()
    collector.answer = 'unavailable'
    const { sink, losses } = openSink(collector.endpoint)
    sink.add(spanOf())
    const closed = sink.close()
    await waitFor('first request', () => collector.requests.length > 0)
    collector.answer = 'ok'
    await closed
    expect(collector.spans).toHaveLength(1)
    expect(losses).toEqual([])
  })

  test('are lost in a counted and bounded way while the collector does not answer, and arrive afterwards', async () => {
    await using collector = startOtlpCollector()
    collector.answer = 'never'
    const { sink, losses, lost } = openSink(collector.endpoint, { OTEL_EXPORTER_OTLP_TIMEOUT: '300ms' })
    const sent = 20_000
    for (let i = 0; i < sent; i++) sink.add(spanOf({ attributes: {} }))
    // 4,096 wait, and one batch of 512 is on its way.
    expect(lost()).toBeGreaterThanOrEqual(sent - 4096 - 512)
    await waitFor('timeout reported', () => losses.some(({ error }) => error !== undefined))
    collector.answer = 'ok'
    await waitFor('queue sent', () => collector.spans.length > 0)
    await sink.close()
    // A slow collector may have received spans whose request was given up.
    expect(collector.spans.length + lost()).toBeGreaterThanOrEqual(sent)
  })

  test('arrive at a collector that was down', async () => {
    const first = startOtlpCollector()
    const { endpoint } = first
    await first[Symbol.asyncDispose]()
    const { sink, losses } = openSink(endpoint, { OTEL_EXPORTER_OTLP_TIMEOUT: '300ms' })
    sink.add(spanOf({ name: 'early' }))
    await waitFor('loss reported', () => losses.length > 0)
    expect(losses).toEqual([{ spans: 1, error: expect.anything() }])
    await using second = startOtlpCollector({ port: Number(new URL(endpoint).port) })
    sink.add(spanOf({ name: 'late' }))
    await sink.close()
    expect(second.spans.map(({ name }) => name)).toEqual(['late'])
  })
})

describe('samplers', () => {
  const sampler = (name: string, arg?: string) =>
    createSampler(readSettings(traceSettings, { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg }))
  const parent = (isSampled: boolean) => ({
    traceId: createTraceId(),
    spanId: createSpanId(),
    isSampled,
    isRemote: true,
  })

  test.each([
    ['always_on', true, true, true],
    ['always_off', false, false, false],
    ['parentbased_always_on', true, true, false],
    ['parentbased_always_off', false, true, false],
  ])('%s', (name, root, ofSampled, ofUnsampled) => {
    const isSampled = sampler(name)
    expect(isSampled(createTraceId(), undefined)).toBe(root)
    for (const [given, expected] of [
      [parent(true), ofSampled],
      [parent(false), ofUnsampled],
    ] as const) {
      expect(isSampled(given.traceId, given)).toBe(expected)
    }
  })

  test('a ratio selects that part of the traces, the same ones in every process', () => {
    const ids = Array.from({ length: 4000 }, createTraceId)
    const selected = ids.filter((id) => sampler('traceidratio', '0.25')(id, undefined))
    expect(selected.length).toBeGreaterThan(800)
    expect(selected.length).toBeLessThan(1200)
    const parentBased = sampler('parentbased_traceidratio', '0.25')
    expect(ids.filter((id) => parentBased(id, undefined))).toEqual(selected)
    const [, unsampled] = [parent(true), parent(false)]
    expect(parentBased(unsampled.traceId, unsampled)).toBe(false)
  })
})
