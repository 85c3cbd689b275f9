import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createLogger } from '../logger.ts'
import type { SpanRecord } from './span-record.ts'
import {
  bindToSpan,
  currentSpan,
  currentTraceId,
  currentTraceparent,
  inSpan,
  isTracing,
  outermostSpan,
  recordSpan,
  runWithin,
  startSpan,
  startTracing,
  streamWithin,
  type Recorder,
} from './tracing.ts'
import { nowMs } from './now-ms.ts'
import { parseTraceparent } from './trace-context.ts'

const caller = parseTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
const unsampledCaller = parseTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00')
let records: SpanRecord[]
let started: Disposable

function start(options: Partial<Recorder> = {}): Disposable {
  return startTracing({
    isSampled: (_, parent) => parent?.isSampled ?? true,
    recordsAll: false,
    record: (span) => void records.push(span),
    ...options,
  })
}

beforeEach(() => {
  records = []
  started = start()
})
afterEach(() => started[Symbol.dispose]())

function recorded(name: string): SpanRecord {
  const found = records.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no span ${name}`)
  return found
}

describe('spans', () => {
  test('are children of the current span, also after awaits and in concurrent work', async () => {
    await inSpan('call', { parent: caller, kind: 'server' }, async () => {
      await Promise.all(
        ['a', 'b', 'c'].map((name) =>
          inSpan(name, {}, async () => {
            await Bun.sleep(1)
            await inSpan(`in ${name}`, {}, () => Promise.resolve())
          }),
        ),
      )
    })
    const call = recorded('call')
    expect(call).toMatchObject({ parentSpanId: caller?.spanId, isParentRemote: true, kind: 'server' })
    for (const name of ['a', 'b', 'c']) {
      expect(recorded(name).parentSpanId).toBe(call.context.spanId)
      expect(recorded(`in ${name}`).parentSpanId).toBe(recorded(name).context.spanId)
    }
    expect(new Set(records.map((one) => one.context.traceId))).toEqual(new Set([caller?.traceId ?? '']))
    expect(currentSpan()).toBeUndefined()
  })

  test('last as long as their work, and hold its attributes and its error', async () => {
    const before = nowMs()
    const failing = inSpan('store', { attributes: { bytes: 12, name: undefined } }, async (span) => {
      span.set('tries', 2)
      await Bun.sleep(3)
      throw new Error('cannot reach nats://user:secret@host')
    })
    expect(failing).rejects.toThrow('cannot reach')
    await failing.catch(() => {})
    const span = recorded('store')
    expect(span.attributes).toEqual({ bytes: 12, name: undefined, tries: 2 })
    expect(span.error).toBe('cannot reach nats://[redacted]@host')
    expect(span.startMs).toBeGreaterThanOrEqual(before)
    expect(span.endMs - span.startMs).toBeGreaterThanOrEqual(2)
    expect(() =>
      inSpan('parse', {}, () => {
        throw new Error('invalid')
      }),
    ).toThrow('invalid')
    expect(recorded('parse').error).toBe('invalid')
  })

  test('end once, and have a limited number and length of attributes', () => {
    const span = startSpan('big')
    for (let i = 0; i < 100; i++) span.set(`key ${i}`, 'x'.repeat(5000))
    span.end(nowMs())
    span.set('late', 1)
    span.end()
    expect(records).toHaveLength(1)
    expect(Object.keys(recorded('big').attributes)).toHaveLength(32)
    expect(recorded('big').attributes['key 0']).toHaveLength(1024)
  })

  test('can reach the outermost span of the process, and link to others', () => {
    inSpan('request', { parent: caller }, () =>
      inSpan('inner', {}, () => {
        outermostSpan().set('task', 'one')
        outermostSpan().link(unsampledCaller)
        outermostSpan().link(undefined)
      }),
    )
    outermostSpan().set('task', 'two')
    expect(recorded('request')).toMatchObject({ attributes: { task: 'one' }, links: [unsampledCaller] })
    expect(recorded('inner')).toMatchObject({ attributes: {}, links: [] })
  })

  test('are current in bound callbacks', () => {
    const callback = inSpan('call', { parent: caller }, () =>
      bindToSpan((n: number) => [n, currentTraceId()]),
    )
    expect(callback(7)).toEqual([7, caller?.traceId])
    const unbound = () => currentTraceId()
    expect(bindToSpan(unbound)).toBe(unbound)
  })

  test('are current while a stream is read', async () => {
    const ends: string[] = []
    async function* read() {
      try {
        yield currentTraceId()
        await Bun.sleep(1)
        yield currentTraceId()
      } finally {
        ends.push(currentTraceId() ?? 'none')
      }
    }
    const span = startSpan('call', { parent: caller })
    for await (const traceId of streamWithin(span, read())) expect(traceId).toBe(caller?.traceId)
    for await (const _ of streamWithin(span, read())) break
    expect(ends).toEqual(Array(2).fill(caller?.traceId))
    expect(currentTraceId()).toBeUndefined()
  })

  test('of the past keep their times, and never end before they start', () => {
    const now = nowMs()
    recordSpan('queue wait', { parent: caller, startMs: now - 5, endMs: now })
    recordSpan('skewed', { parent: caller, startMs: now, endMs: now - 5 })
    expect(recorded('queue wait')).toMatchObject({ startMs: now - 5, endMs: now })
    expect(recorded('skewed')).toMatchObject({ startMs: now, endMs: now })
  })

  test('are passed on in headers and in logs', () => {
    const lines: string[] = []
    const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line) })
    inSpan('call', { parent: caller }, (span) => {
      expect(parseTraceparent(currentTraceparent())).toMatchObject(span.context ?? {})
      log.info('inside', { bytes: 1 })
      log.info('inside')
    })
    log.info('outside')
    const traceIds = lines.map((line) => (JSON.parse(line) as { traceId?: string }).traceId)
    expect(traceIds).toEqual([caller?.traceId, caller?.traceId, undefined])
  })
})

describe('spans that are not sampled', () => {
  test('are not recorded, nor are those within them, here or in another process', () => {
    inSpan('call', { parent: unsampledCaller }, () => {
      inSpan('inner', {}, () => {})
      expect(currentTraceparent()).toEndWith('-00')
      expect(currentTraceId()).toBe(unsampledCaller?.traceId)
    })
    expect(records).toEqual([])
  })

  test('are recorded when a local recorder wants all, and stay marked', () => {
    started[Symbol.dispose]()
    started = start({ recordsAll: true })
    inSpan('call', { parent: unsampledCaller }, () => inSpan('inner', {}, () => {}))
    expect(records.map(({ context }) => context.isSampled)).toEqual([false, false])
  })
})

describe('without tracing', () => {
  beforeEach(() => started[Symbol.dispose]())

  test('work runs with one shared span that does nothing', async () => {
    expect(isTracing()).toBe(false)
    expect(startSpan('a')).toBe(startSpan('b', { parent: caller }))
    expect(inSpan('call', { parent: caller }, (span) => span.context)).toBeUndefined()
    expect(await inSpan('call', {}, async () => Promise.resolve(7))).toBe(7)
    expect(runWithin(startSpan('a'), () => currentTraceparent())).toBeUndefined()
    expect(records).toEqual([])
  })
})
