import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import type { FuzzReport } from './run-schemathesis.ts'

/** A short form of `bun e2e/openapi/main.ts`, with a fixed seed. */

test('the API and its OpenAPI document agree on generated requests', async () => {
  const program = Bun.spawn(
    [process.execPath, resolve(import.meta.dir, 'main.ts'), '--examples=40', '--seed=1'],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  const [code, out, errors] = await Promise.all([
    program.exited,
    program.stdout.text(),
    program.stderr.text(),
  ])
  if (!out.startsWith('{')) throw new Error(`The program ended with ${code} and no report:\n${errors}`)
  const { findings, neverAccepted, logged, isComplete, requests } = JSON.parse(out) as FuzzReport
  // On failure, the output shows each finding with its request and response.
  expect({ findings, neverAccepted, logged, isComplete, code }, errors).toEqual({
    findings: {},
    neverAccepted: [],
    logged: [],
    isComplete: true,
    code: 0,
  })
  expect(requests).toBeGreaterThan(1000)
}, 280_000)
