import { describe, expect, test } from 'bun:test'
import { Fault, faults, type FaultCode } from './fault.ts'

const codes = Object.keys(faults) as FaultCode[]

describe('the table', () => {
  test.each(codes)('%s has an HTTP error status, a gRPC code and a title', (code) => {
    const { http, grpc, title } = faults[code]
    expect(http).toBeGreaterThanOrEqual(400)
    expect(http).toBeLessThan(600)
    expect(grpc).toBeGreaterThan(0)
    expect(grpc).toBeLessThanOrEqual(16)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
  })

  test('says to try again only where another try may succeed', () => {
    const again = codes.filter((code) => faults[code].retryable)
    expect(again.every((code) => faults[code].http >= 500 || faults[code].http === 429)).toBe(true)
    expect(faults.invalid_recipe.retryable).toBe(false)
    expect(faults.cancelled.retryable).toBe(false)
  })
})

describe('a fault', () => {
  test('reports what is public and keeps its cause', () => {
    const cause = new Error('connection refused by 10.0.0.7')
    const fault = new Fault('storage_failed', 'The store did not answer.', { retryAfterMs: 500, cause })
    expect(fault.cause).toBe(cause)
    expect(fault.report()).toEqual({
      code: 'storage_failed',
      detail: 'The store did not answer.',
      retryAfterMs: 500,
    })
    expect(JSON.stringify(fault.report())).not.toContain('10.0.0.7')
    expect(fault.row).toBe(faults.storage_failed)
  })

  test('is the same after a journey as JSON', () => {
    const fault = new Fault('invalid_recipe', 'No.', { field: 'steps[1].sigma', remedy: 'Give less.' })
    const arrived = Fault.from(JSON.parse(JSON.stringify(fault.report())))
    expect(arrived.report()).toEqual(fault.report())
    expect(arrived).toBeInstanceOf(Error)
  })

  test('has no cause when none is given', () => {
    expect('cause' in new Fault('internal', 'x')).toBe(false)
  })

  test('is made of anything thrown, which stays private', () => {
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
