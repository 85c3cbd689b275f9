import { expect } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import { faults, type FaultCode } from '@pixelflow/core/fault'
import { sendRaw, type RawResponse } from './send-raw.ts'
import { target } from './shared-target.ts'

/** The text of an HTTP/1.1 request to the shared target. */
export function formatHttpRequest(
  method: string,
  path: string,
  headers: readonly string[] = [],
  body = '',
): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${target.host}`, ...headers].join('\r\n')}\r\n\r\n${body}`
}

export function send(
  method: string,
  path: string,
  headers?: readonly string[],
  body?: string,
): Promise<RawResponse> {
  return sendRaw(target.url, formatHttpRequest(method, path, headers, body))
}

export const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
export const contentLength = (body: string) => `Content-Length: ${body.length}`

/** Expects a valid problem document with a status below 500, and returns its code. */
export function expectProblem({ status, head, body }: RawResponse): FaultCode {
  expect(head).toContain('content-type: application/problem+json')
  const problem = JSON.parse(body) as Problem
  expect(problem).toMatchObject({ status, type: `/docs/problems#${problem.code}` })
  expect(faults[problem.code].http).toBe(status as never)
  expect(status).toBeLessThan(500)
  return problem.code
}
