import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { flipBits } from '@pixelflow/testkit/hostile/damage'
import { svg, svgBombs } from '@pixelflow/testkit/hostile/svg'
import { svgExternalReferences } from '@pixelflow/testkit/hostile/svg-external-references'
import { svgLines } from '@pixelflow/testkit/hostile/svg-lines'
import { extremeDrawing } from '@pixelflow/testkit/hostile/svg-extremes'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { actorSettings } from './config.ts'
import { openSandboxHarness, type SandboxHarness } from './testing/sandbox-harness.ts'

/** Hostile SVG files in workers with the options of a shipped actor. */

const MiB = 2 ** 20
let harness: SandboxHarness
beforeAll(async () => {
  const settings = readSettings(actorSettings, { PIXELFLOW_WORKER_MAX_RSS: '512MiB' })
  harness = await openSandboxHarness(settings)
}, 60_000)
afterAll(() => harness?.[Symbol.asyncDispose]())

test('bombs are rejected by their computed cost, before they use resources', async () => {
  const outcomes = await Promise.all(
    [...svgBombs, ...svgLines].map(async ({ name, bytes, end }) => ({
      name,
      end,
      got: await harness.run(bytes, 'svg', 'format:png'),
    })),
  )
  for (const { name, end, got } of outcomes) {
    // A gzipped file is not detected as SVG.
    expect([name, got.code]).toEqual([name, end])
    expect([name, got.fault?.message ?? '']).not.toEqual([
      name,
      expect.stringMatching(/vips|glib|\/tmp|task-/i),
    ])
    expect([name, got.peakBytes < 400 * MiB]).toEqual([name, true])
  }
  expect(harness.events).toEqual([])
}, 120_000)

test('external references are not followed', async () => {
  let calls = 0
  using listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { open: () => void (calls += 1), data() {} },
  })
  // Proves that the listener accepts connections.
  const caller = await Bun.connect({ hostname: '127.0.0.1', port: listener.port, socket: { data() {} } })
  await waitFor(
    'connection accepted',
    () => calls,
    (count) => count === 1,
  )
  caller.end()

  const outcomes = await Promise.all(
    svgExternalReferences(listener.port).map(async ({ name, bytes, end }) => ({
      name,
      end,
      code: (await harness.run(bytes, 'svg', 'format:png')).code,
    })),
  )
  for (const { name, end, code } of outcomes) expect([name, code]).toEqual([name, end])
  expect(calls).toBe(1)
  expect(harness.events).toEqual([])
}, 60_000)

test('extreme numbers end in an image or a fault, and no worker crashes', async () => {
  const allowed = ['image', 'corrupt_image', 'resource_limit_exceeded']
  const seeds = Array.from({ length: 300 }, (_, i) => i + 1)
  const outcomes = await Promise.all(
    seeds.map(async (seed) => ({
      seed,
      code: (await harness.run(extremeDrawing(seed), 'svg', 'format:png')).code,
    })),
  )
  expect(outcomes.filter(({ code }) => !allowed.includes(code))).toEqual([])
  expect(outcomes.filter(({ code }) => code === 'image').length).toBeGreaterThan(150)
  expect(harness.events).toEqual([])
}, 120_000)

describe('a damaged drawing', () => {
  const allowed = [
    'image',
    'corrupt_image',
    'unsupported_format',
    'resource_limit_exceeded',
    'too_many_pixels',
  ]

  test('is rejected when truncated', async () => {
    const whole = await sampleImage({ format: 'svg', width: 64, height: 48 })
    for (let part = 1; part < 16; part++) {
      const { code } = await harness.run(whole.slice(0, (whole.length * part) / 16), 'svg')
      expect(['corrupt_image', 'unsupported_format']).toContain(code)
    }
  }, 60_000)

  test('with flipped bits ends in an image or a fault, and no worker crashes', async () => {
    const whole = svg(
      '<style>.a{fill:url(#g)}</style><linearGradient id="g"><stop offset="1"/></linearGradient>' +
        '<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><g id="u"><rect class="a" width="9" height="9"/></g>' +
        '<use href="#u" x="10" filter="url(#f)"/><path d="M0 0L9 9z" marker-end="url(#m)"/><text x="3">a&amp;b</text>',
    )
    const codes = await Promise.all(
      Array.from({ length: 500 }, (_, seed) => harness.run(flipBits(whole, seed + 1, 1 + (seed % 7)), 'svg')),
    )
    for (const { code } of codes) expect(allowed).toContain(code)
    expect(codes.some(({ code }) => code === 'image')).toBe(true)
    expect(harness.events).toEqual([])
  }, 120_000)
})
