import { describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { parseNdjson, useCliFixture } from '../testing/cli-fixture.ts'

/** `./pixelflow trace` against a server that `./pixelflow up` runs on a loopback address, which records traces by default. */

interface TraceView {
  readonly traceId: string
  readonly durationMs: number
  readonly spans: readonly {
    readonly spanId: string
    readonly parentSpanId: string | null
    readonly process: string
    readonly name: string
    readonly startMs: number
    readonly durationMs: number
  }[]
}

const fixture = useCliFixture()
const trace = (task: string, ...args: string[]) => traceWith({}, task, ...args)
const traceWith = (env: Readonly<Record<string, string>>, task: string, ...args: string[]) =>
  fixture.run(['trace', task, ...args], {
    env: { PIXELFLOW_DATA_DIR: join(fixture.home, 'data'), ...env },
  })

async function processPhoto(): Promise<string> {
  const done = await fixture.run(['process', 'photo.jpg', '-r', 'resize:200', '-o', 'out.webp', '--json'])
  expect(done.err).toBe('')
  const views = parseNdjson(done.out) as { task?: { id: string } }[]
  return views.find(({ task }) => task !== undefined)?.task?.id ?? ''
}

/** The trace with the spans that the actor writes last. */
async function readTrace(task: string): Promise<TraceView> {
  const read = async () => {
    const { code, out } = await trace(task, '--json')
    return code === 0 ? (JSON.parse(out) as TraceView) : undefined
  }
  const isComplete = (found: TraceView | undefined) =>
    ['attempt transform', 'submit job'].every((name) => found?.spans.some((span) => span.name === name))
  return (await waitFor('trace recorded', read, isComplete)) as TraceView
}

describe('trace', () => {
  test('prints where the time of a task went, in all processes', async () => {
    const task = await processPhoto()
    const view = await readTrace(task)
    const named = (name: string) => {
      const found = view.spans.find((span) => span.name === name)
      if (found === undefined) throw new Error(`no span ${name} in ${JSON.stringify(view.spans)}`)
      return found
    }
    const parentOf = (name: string) =>
      view.spans.find((span) => span.spanId === named(name).parentSpanId)?.name
    const request = 'POST /api/v1/tasks'
    for (const name of ['submit job', 'queue wait', 'attempt transform']) expect(parentOf(name)).toBe(request)
    for (const name of ['fetch source', 'worker wait', 'worker', 'acknowledge job'])
      expect(parentOf(name)).toBe('attempt transform')
    for (const name of ['read header', 'decode, render, encode webp']) expect(parentOf(name)).toBe('worker')
    expect(named(request)).toMatchObject({
      parentSpanId: null,
      process: expect.stringMatching(/^gateway \d+$/),
    })
    expect(named('worker').process).toMatch(/^actors \d+$/)
    for (const { startMs, durationMs } of view.spans) {
      expect(startMs).toBeGreaterThanOrEqual(0)
      expect(startMs + durationMs).toBeLessThanOrEqual(view.durationMs + 0.01)
    }

    const { code, out } = await trace(task)
    expect(code).toBe(0)
    expect(out).toContain(`trace ${view.traceId}`)
    expect(out).toMatch(/^gateway \d+ +POST \/api\/v1\/tasks +█+ +0\.00 +\d+\.\d\d$/m)
    expect(out).toMatch(/^actors \d+ +queue wait +░+ /m)
    expect(out).toMatch(/^actors \d+ +decode, render, encode webp +█+ /m)
    const listed = await fixture.run(['tasks', 'get', task, '--json'])
    expect(JSON.parse(listed.out)).toMatchObject({ traceId: view.traceId })
  })

  test('says why there is no trace', async () => {
    const task = await processPhoto()
    await readTrace(task)
    const unknown = await trace(Bun.randomUUIDv7())
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('You have no task') })
    expect(await trace('latest')).toMatchObject({
      code: 2,
      err: expect.stringContaining('not the id of a task'),
    })

    const elsewhere = await traceWith({ PIXELFLOW_DATA_DIR: join(fixture.home, 'other') }, task)
    expect(elsewhere.err).toContain(`The server at ${fixture.url} does not record traces in a folder of this`)
    expect(elsewhere.err).toContain(`pixelflow.task.id=${task}`)
    const off = await traceWith({ PIXELFLOW_TRACE_RING_SIZE: '0' }, task)
    expect(off.err).toContain('The server does not record traces.')

    await rm(join(fixture.home, 'data/traces'), { recursive: true })
    const rotated = await trace(task)
    expect(rotated).toMatchObject({ code: 1, err: expect.stringContaining('is no longer kept') })
  })
})
