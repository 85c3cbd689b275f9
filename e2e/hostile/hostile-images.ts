import { describe, expect, test } from 'bun:test'
import { availableParallelism } from 'node:os'
import type { Problem } from '@pixelflow/core/problem'
import { bombs } from '@pixelflow/testkit/hostile/bombs'
import { flipBits, truncateInSteps } from '@pixelflow/testkit/hostile/damage'
import { png } from '@pixelflow/testkit/hostile/png'
import { samples } from '@pixelflow/testkit/hostile/samples'
import { unsupportedFiles } from '@pixelflow/testkit/hostile/unsupported-files'
import { followToEnd } from '../client.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { target } from './shared-target.ts'

/**
 * Hostile images through the whole system. The tests of the actors send thousands of such files through the same workers.
 */

const recipe = 'resize:24/format:png'
/** Keeps all workers busy. */
const concurrency = 2 * availableParallelism()

export function testHostileImages(): void {
  describe('hostile images', () => {
    test('bombs of every format end as expected, in tasks and synchronous calls', async () => {
      const results = await mapConcurrently(bombs, concurrency, async ({ name, format, make, ends }, i) => {
        const bytes = await make()
        return {
          name: `${format}, ${name}`,
          ends,
          code: await (i % 2 ? runTask(bytes) : processSynchronously(bytes)),
        }
      })
      for (const { name, ends, code } of results) {
        const expected = ends === 'image' ? [ends] : ends
        expect([name, expected.includes(code) ? expected : code]).toEqual([name, expected])
      }
      expect(await target.workersAreWithinMemoryLimit()).toBe(true)
    }, 300_000)

    test('a file of any format, cut at each 16th, is refused unless its first frame is complete', async () => {
      const cuts = (await samples()).flatMap(({ name, format, bytes, minParts }) =>
        truncateInSteps(bytes).map((cut, i) => ({
          name: `${format}, ${name}, ${i + 1}/16`,
          cut,
          expected: i + 1 >= minParts ? 'image' : 'refused',
        })),
      )
      const results = await mapConcurrently(cuts, concurrency, async ({ name, cut, expected }, i) => {
        const code = await (i % 8 ? processSynchronously(cut) : runTask(cut))
        // The gateway refuses some of them before a decoder reads them.
        return { name, code, expected, isRefused: ['corrupt_image', 'unsupported_format'].includes(code) }
      })
      for (const { name, code, expected, isRefused } of results) {
        expect([name, isRefused ? 'refused' : code]).toEqual([name, expected])
      }
      expect(await target.workersAreWithinMemoryLimit()).toBe(true)
    }, 300_000)

    test('a file of any format with flipped bits ends with an image or a known fault', async () => {
      const all = await samples(160, 120)
      const files = Array.from({ length: 160 }, (_, seed) => {
        const { bytes } = all[seed % all.length] as (typeof all)[number]
        return flipBits(bytes, seed, 1 + (seed % 40))
      })
      const codes = await mapConcurrently(files, concurrency, (bytes, i) =>
        i % 8 ? processSynchronously(bytes) : runTask(bytes),
      )
      const known = [
        'image',
        'corrupt_image',
        'unsupported_format',
        'too_many_pixels',
        'resource_limit_exceeded',
      ]
      expect(codes.filter((code) => ![...known, 'processing_failed'].includes(code))).toEqual([])
      expect(await target.workersAreWithinMemoryLimit()).toBe(true)
    }, 300_000)

    test('an image that would be too large after its rotation is refused before the rotation', async () => {
      const { end } = await target.process(png(10_000, 10_000), 'rotate:45')
      expect([end?.kind, end?.task.fault?.code]).toEqual(['failed', 'too_many_pixels'])
    }, 60_000)

    test('unsupported formats are refused at upload, whatever their media type', async () => {
      for (const { name, bytes } of unsupportedFiles) {
        for (const type of ['application/octet-stream', 'image/jpeg', 'image/svg+xml']) {
          const { problem } = await target.api.refusal('/api/v1/images', {
            method: 'POST',
            body: bytes as Uint8Array<ArrayBuffer>,
            headers: { 'content-type': type },
          })
          expect([name, problem.code]).toEqual([name, 'unsupported_format'])
        }
      }
    }, 60_000)
  })
}

/** Processes a file synchronously. Returns the fault code, or `picture` when an image is returned. */
async function processSynchronously(bytes: Uint8Array): Promise<string> {
  const answer = await target.api.call(`/api/v1/process?recipe=${recipe}`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (answer.ok) {
    expect((await answer.bytes()).length).toBeGreaterThan(0)
    return 'image'
  }
  const { code, status } = (await answer.json()) as Problem
  expect([status, answer.headers.get('content-type')]).toEqual([answer.status, 'application/problem+json'])
  return code
}

/** Runs a task. Returns the fault code of the upload or the task, or `picture` when it completes. */
async function runTask(bytes: Uint8Array): Promise<string> {
  const form = new FormData()
  form.set('recipe', recipe)
  form.set('file', new Blob([bytes]), 'a')
  const answer = await target.api.call('/api/v1/tasks', { method: 'POST', body: form })
  if (!answer.ok) return ((await answer.json()) as Problem).code
  const { id } = (await answer.json()) as { id: string }
  const seen = await followToEnd(() => target.api, id, { timeoutMs: 120_000 })
  const finals = seen.filter(({ view }) => ['completed', 'failed'].includes(view.kind))
  expect(finals.length).toBe(1)
  const { kind, task } = (finals[0] as (typeof seen)[number]).view
  if (kind === 'completed') return 'image'
  expect(task.outputs).toEqual([])
  return task.fault?.code ?? 'no fault'
}
