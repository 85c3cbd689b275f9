import { describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TraceRing } from '@pixelflow/platform/telemetry/tracing/ring/trace-ring'
import { createSpanId, createTraceId } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { freePort } from '@pixelflow/testkit/port'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openCliFixture, parseNdjson, useCliFixture } from '../testing/cli-fixture.ts'

/** `./pixelflow trace` against a server that `./pixelflow up` runs on a loopback address, which records traces by default. */

interface TraceView {
  readonly status: string | null
  readonly complete: boolean
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
    found?.complete === true &&
    ['attempt transform', 'submit job'].every((name) => found.spans.some((span) => span.name === name))
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
    expect(view).toMatchObject({ status: 'completed', complete: true })
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
    expect(out).not.toContain('still')
    expect(out).toMatch(/^gateway \d+ +POST \/api\/v1\/tasks +█+ +0\.00 +\d+\.\d\d$/m)
    expect(out).toMatch(/^actors \d+ +queue wait +░+ /m)
    expect(out).toMatch(/^actors \d+ +decode, render, encode webp +█+ /m)
    const listed = await fixture.run(['tasks', 'get', task, '--json'])
    expect(JSON.parse(listed.out)).toMatchObject({ traceId: view.traceId })
  })

  test('says that a task is still queued, as text and as JSON', async () => {
    const worked = (await readTrace(await processPhoto())).spans.find(({ name }) => name === 'worker')
    const actor = Number(worked?.process.split(' ')[1])
    process.kill(actor, 'SIGSTOP')
    try {
      const form = new FormData()
      form.append('file', Bun.file(join(fixture.home, 'photo.jpg')))
      form.append('recipe', 'resize:100')
      const response = await fetch(`${fixture.url}/api/v1/tasks`, { method: 'POST', body: form })
      const { id } = (await response.json()) as { id: string }
      await waitFor(
        'spans of the gateway recorded',
        () => trace(id, '--json'),
        ({ code }) => code === 0,
      )
      expect(JSON.parse((await trace(id, '--json')).out)).toMatchObject({ status: 'queued', complete: false })
      expect((await trace(id)).out).toContain('The task is still queued: work in progress has no line.')
      process.kill(actor, 'SIGCONT')
      expect(await readTrace(id)).toMatchObject({ status: 'completed', complete: true })
    } finally {
      process.kill(actor, 'SIGCONT')
    }
  }, 30_000)

  test('shows what it has when no server tells the status', async () => {
    const task = Bun.randomUUIDv7()
    const folder = join(fixture.home, 'alone')
    const ring = new TraceRing({ folder, maxBytes: 2 ** 20, service: 'gateway', onLoss: () => {} })
    ring.add({
      name: 'POST /api/v1/tasks',
      kind: 'server',
      context: { traceId: createTraceId(), spanId: createSpanId(), isSampled: true },
      parentSpanId: undefined,
      isParentRemote: false,
      startMs: 1_796_079_050_000,
      endMs: 1_796_079_050_010,
      attributes: { 'pixelflow.task.id': task },
      links: [],
      error: undefined,
    })
    await ring.close()
    const env = { PIXELFLOW_TRACE_RING_DIR: folder, PIXELFLOW_URL: `http://127.0.0.1:${await freePort()}` }
    expect(await traceWith(env, task)).toMatchObject({
      code: 0,
      out: expect.stringContaining('The end of the task is not recorded, and the server does not tell'),
    })
    expect(JSON.parse((await traceWith(env, task, '--json')).out)).toMatchObject({
      status: null,
      complete: false,
    })
  })

  test('says that the server does not record traces, also when older ones exist', async () => {
    await using other = await openCliFixture({ PIXELFLOW_TRACE_RING_SIZE: '0' })
    const folder = join(other.home, 'data/traces')
    await new TraceRing({ folder, maxBytes: 2 ** 20, service: 'gateway', onLoss: () => {} }).close()
    await Bun.write(join(folder, '1000000000000-0001-gateway-1.jsonl'), '')
    const done = await other.run(['process', 'photo.jpg', '-r', 'resize:20', '-o', 'out.webp', '--json'])
    const views = parseNdjson(done.out) as { task?: { id: string } }[]
    const task = views.find((view) => view.task !== undefined)?.task?.id ?? ''
    const { code, err } = await other.run(['trace', task], {
      env: { PIXELFLOW_DATA_DIR: join(other.home, 'data') },
    })
    expect(code).toBe(1)
    expect(err).toContain(`The server at ${other.url} does not record traces.`)
    expect(err).toContain('PIXELFLOW_TRACE_RING_DIR')
    expect(err).toContain('PIXELFLOW_TRACE_RING_SIZE=0')
  }, 60_000)

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
    // The server reports the folder, so other settings of the command do not hide the trace.
    for (const env of [
      { PIXELFLOW_TRACE_RING_SIZE: '0' },
      { PIXELFLOW_TRACE_RING_DIR: join(fixture.home, 'none') },
    ] as const)
      expect(await traceWith(env, task)).toMatchObject({ code: 0 })

    await rm(join(fixture.home, 'data/traces'), { recursive: true })
    const rotated = await trace(task)
    expect(rotated).toMatchObject({ code: 1, err: expect.stringContaining('is no longer kept') })
  })
})
