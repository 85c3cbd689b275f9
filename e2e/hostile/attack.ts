import { afterAll, afterEach, beforeAll, expect } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import { faults, type FaultCode } from '@pixelflow/core/fault'
import { sampleImage } from '@pixelflow/testkit/images'
import { startAttackTarget, type AttackTarget } from './attack-target.ts'
import { wire, type WireAnswer } from './wire.ts'

/** Shared by all attacks: the target, a valid image, and functions that send requests. */
export let target: AttackTarget
export let picture: Uint8Array
/** Id of the picture, which is uploaded. */
export let image: string

/** Registers what happens before and after the attacks of a file. */
export function prepare(): void {
  beforeAll(async () => {
    target = await startAttackTarget()
    picture = await sampleImage({ width: 640, height: 480 })
    image = (await target.api.upload(picture)).id
  }, 60_000)
  afterEach(() => target.unharmed(), 20_000)
  afterAll(() => target?.[Symbol.asyncDispose](), 30_000)
}

/** The code of a problem, after seeing that it is one, whole and in its place. */
export function codeOf({ status, head, body }: WireAnswer): FaultCode {
  expect(head).toContain('content-type: application/problem+json')
  const problem = JSON.parse(body) as Problem
  expect(problem).toMatchObject({ status, type: `/docs/problems#${problem.code}` })
  expect(faults[problem.code].http).toBe(status as never)
  expect(status).toBeLessThan(500)
  return problem.code
}

export function request(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${target.host}`, ...headers].join('\r\n')}\r\n\r\n${body}`
}
export const said = (method: string, path: string, headers?: readonly string[], body?: string) =>
  wire(target.url, request(method, path, headers, body))
export const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
export const length = (body: string) => `Content-Length: ${body.length}`

/** A form as it stands on the wire; `\n` is written as CRLF in heads. */
export function part(head: string, body: string): string {
  return `--XX\r\n${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}\r\n`
}
export const filePart = (body: string) =>
  part('Content-Disposition: form-data; name="file"; filename="a.jpg"', body)
export const recipePart = (body: string) => part('Content-Disposition: form-data; name="recipe"', body)
export const formType = 'Content-Type: multipart/form-data; boundary=XX'
export const postForm = (body: string, path = '/api/v1/tasks') =>
  said('POST', path, [formType, length(body)], body)
