import { describe, expect, test } from 'bun:test'
import { createSpanId, createTraceId, formatTraceparent, parseTraceparent } from './trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

describe('traceparent', () => {
  test('is read and written as W3C Trace Context defines it', () => {
    const sampled = { traceId, spanId, isSampled: true, isRemote: true }
    expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toEqual(sampled)
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)).toEqual({ ...sampled, isSampled: false })
    // Other flags, and the fields of later versions, are ignored.
    expect(parseTraceparent(`00-${traceId}-${spanId}-ff`)).toEqual(sampled)
    expect(parseTraceparent(`01-${traceId}-${spanId}-01-later`)).toEqual(sampled)
    expect(formatTraceparent(sampled)).toBe(`00-${traceId}-${spanId}-01`)
    expect(formatTraceparent({ ...sampled, isSampled: false })).toBe(`00-${traceId}-${spanId}-00`)
  })

  test.each([
    '',
    'hello',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}x-${spanId}-01`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ])('%p is ignored', (text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  })

  test('has ids that differ', () => {
    const ids = Array.from({ length: 5000 }, () => ({ traceId: createTraceId(), spanId: createSpanId() }))
    expect(new Set(ids.map((one) => one.traceId)).size).toBe(ids.length)
    expect(new Set(ids.map((one) => one.spanId)).size).toBe(ids.length)
    for (const one of ids) {
      expect(parseTraceparent(formatTraceparent({ ...one, isSampled: true }))).toMatchObject(one)
    }
  })
})
