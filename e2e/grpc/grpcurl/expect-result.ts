import { expect } from 'bun:test'
import { TaskEventKind, type TaskEvent } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { GrpcurlResult } from './call-grpcurl.ts'

/** The codes of google.rpc.Code that scenarios expect. */
const statusCodes = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** Expects a successful call with exactly one response, and returns it. */
export function expectResult<O>({ responses, code, detail }: GrpcurlResult<O>): O {
  expect({ code, detail, responses: responses.length }).toEqual({ code: 0, detail: '', responses: 1 })
  return required(responses[0])
}

/** Expects an error with this code and, if given, this reason and field. */
export function expectError(
  result: GrpcurlResult<unknown>,
  code: keyof typeof statusCodes,
  reason?: string,
  field?: string,
) {
  expect([result.code, result.detail]).toEqual([statusCodes[code], expect.any(String)])
  if (reason !== undefined) {
    expect(result.info).toMatchObject({ reason, domain: 'pixelflow' })
    expect(result.requestId).toBeTruthy()
  }
  if (field !== undefined) expect(result.fields).toContain(field)
}

/** @throws Error when the response lacks the value. */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The response lacks a required value.')
  return value
}

export function kindsOf(events: readonly TaskEvent[]): string[] {
  return events.map(({ kind }) => TaskEventKind[kind])
}

export function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

/** An id that no image or task has. */
export function unusedId(): string {
  return Bun.randomUUIDv7()
}
