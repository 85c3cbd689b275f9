import { describe, expect, test } from 'bun:test'
import { Fault, faultRow, faults, type FaultCode } from './fault.ts'

const codes = Object.keys(faults) as FaultCode[]

describe('the fault table', () => {
  test.each(codes)('%s has an HTTP error status, a gRPC code, a title and a remedy', (code) => {
    const { http, grpc, title, remedy } = faults[code]
    expect(http).toBeGreaterThanOrEqual(400)
    expect(http).toBeLessThan(600)
    expect(grpc).toBeGreaterThan(0)
    expect(grpc).toBeLessThanOrEqual(16)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  })

  test('marks as retryable only faults of the server or of the load', () => {
    const retryable = codes.filter((code) => faultRow(code).retryable)
    expect(retryable).toContain('storage_failed')
    expect(retryable.filter((code) => faults[code].http < 500 && faults[code].http !== 429)).toEqual([])
  })

  test('marks as temporary every code that is answered with 429 or 503', () => {
    const answered = codes.filter((code) => [429, 503].includes(faults[code].http))
    expect(answered.filter((code) => !faultRow(code).isTemporary)).toEqual([])
  })
})

describe('a fault', () => {
  test('report() omits the cause', () => {
    const cause = new Error('connection refused by 10.0.0.7')
    const fault = new Fault('storage_failed', 'The store did not answer.', { retryAfterMs: 500, cause })
    expect(fault.cause).toBe(cause)
    expect(fault.report()).toEqual({
      code: 'storage_failed',
      detail: 'The store did not answer.',
      remedy: faults.storage_failed.remedy,
      retryAfterMs: 500,
    })
    expect(JSON.stringify(fault.report())).not.toContain('10.0.0.7')
    expect(fault.row).toBe(faults.storage_failed)
  })

  test('round-trips through JSON', () => {
    const fault = new Fault('invalid_recipe', 'The sigma is too large.', {
      field: 'steps[1].sigma',
      remedy: 'Use a sigma of at most 100.',
    })
    const arrived = Fault.from(JSON.parse(JSON.stringify(fault.report())))
    expect(arrived.report()).toEqual(fault.report())
    expect(arrived).toBeInstanceOf(Error)
  })

  test('has no cause property without a cause', () => {
    expect('cause' in new Fault('internal', 'x')).toBe(false)
  })

  test('of() wraps any thrown value and keeps it private', () => {
    const fault = new Fault('not_found', 'Not here.')
    expect(Fault.of(fault)).toBe(fault)
    for (const thrown of [new Error('secret'), 'secret', undefined]) {
      const made = Fault.of(thrown)
      expect(made.code).toBe('internal')
      expect(made.message).not.toContain('secret')
      expect(made.cause).toBe(thrown)
    }
  })
})
