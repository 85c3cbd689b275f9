import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { appendFile, mkdtemp, readdir, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { Loss } from '../report-losses.ts'
import type { SpanRecord } from '../span-record.ts'
import { createSpanId, createTraceId } from '../trace-context.ts'
import { findTaskTrace } from './find-task-trace.ts'
import { listRing, readRing } from './read-ring.ts'
import { TraceRing } from './trace-ring.ts'

let folder: string
let losses: Loss[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-traces-'))
  losses = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function openRing({ maxBytes = 2 ** 20, service = 'gateway', at = folder } = {}): TraceRing {
  return new TraceRing({ folder: at, maxBytes, service, onLoss: (loss) => losses.push(loss) })
}

function spanOf(given: Partial<SpanRecord> & { traceId?: string } = {}): SpanRecord {
  const { traceId = createTraceId(), ...span } = given
  return {
    name: 'append event',
    kind: 'internal',
    context: { traceId, spanId: createSpanId(), isSampled: true },
    parentSpanId: createSpanId(),
    isParentRemote: false,
    startMs: 1_796_079_050_485.123,
    endMs: 1_796_079_050_490.5,
    attributes: { 'pixelflow.task.id': 'none', bytes: 5, cached: true },
    links: [{ traceId, spanId: createSpanId(), isSampled: true }],
    error: undefined,
    ...span,
  }
}

describe('the ring', () => {
  test('returns what was written, from a folder that only its user can enter', async () => {
    const ring = openRing({ at: join(folder, 'deep/traces') })
    const span = spanOf({ error: 'failed: “why”' })
    ring.add(span)
    await ring.close()
    const [found] = await readRing(join(folder, 'deep/traces'), [span.context.traceId])
    expect(found?.links.map(({ spanId }) => spanId)).toEqual(span.links.map(({ spanId }) => spanId))
    expect(found?.endMs).toBeCloseTo(span.endMs, 2)
    const { links: _, endMs: __, isParentRemote: ___, ...same } = span
    expect(found).toMatchObject({ ...same, service: 'gateway', pid: process.pid })
    expect((await stat(join(folder, 'deep/traces'))).mode & 0o77).toBe(0)
  })

  test('can be read while processes write to it', async () => {
    const ring = openRing()
    const traceId = createTraceId()
    ring.add(spanOf({ traceId }))
    await waitFor('span written', async () => (await readRing(folder, [traceId])).length === 1)
    // A process that is in the middle of a line.
    const [file] = await listRing(folder)
    await appendFile(join(folder, file?.name ?? ''), `{"c":"00-${traceId}-00f0`)
    expect(await readRing(folder, [traceId])).toHaveLength(1)
    await ring.close()
  })

  test('holds a limited number of bytes and files, and the newest spans', async () => {
    const maxBytes = 2 ** 18
    const rings = ['gateway', 'actors'].map((service) => openRing({ maxBytes, service }))
    const names = Array.from({ length: 4000 }, (_, i) => `span ${i}`)
    for (const name of names) {
      for (const ring of rings) ring.add(spanOf({ name }))
    }
    await Promise.all(rings.map((ring) => ring.close()))
    const files = await readdir(folder)
    expect(files.length).toBeLessThanOrEqual(64)
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(total).toBeLessThanOrEqual(maxBytes)
    expect(total).toBeGreaterThan(maxBytes / 2)
    expect((await readRing(folder, ['"span 3999"'])).map((span) => span.service).sort()).toEqual([
      'actors',
      'gateway',
    ])
    expect(await readRing(folder, ['"span 0"'])).toEqual([])
    expect(losses).toEqual([])
  })

  test('keeps the current file of a process with little work while another one fills the ring', async () => {
    const maxBytes = 2 ** 18
    const gateway = openRing({ maxBytes })
    gateway.add(spanOf({ name: 'early call' }))
    await waitFor('file', async () => (await listRing(folder)).length === 1)
    // Its last write is later than the start of many files of the actor.
    const actor = openRing({ maxBytes, service: 'actors' })
    for (let round = 0; round < 3; round += 1) {
      // About half of the ring.
      for (let i = 0; i < 350; i += 1) actor.add(spanOf({ name: `span ${round} ${i}` }))
      await actor.close()
      gateway.add(spanOf({ name: `call ${round}` }))
      await waitFor('call written', async () => (await readRing(folder, [`"call ${round}"`])).length === 1)
    }
    await gateway.close()
    expect(await readRing(folder, ['"early call"'])).toHaveLength(1)
    expect(await readRing(folder, ['"span 0 0"'])).toEqual([])
    expect(losses).toEqual([])
  })

  test('respects a limit that is lower than that of an earlier run, as soon as it is opened', async () => {
    const before = openRing({ maxBytes: 2 ** 22 })
    for (let i = 0; i < 4000; i += 1) before.add(spanOf())
    await before.close()
    const bytes = async () => {
      const names = await readdir(folder)
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
      return sizes.reduce((sum, size) => sum + size, 0)
    }
    expect(await bytes()).toBeGreaterThan(2 ** 20)
    const after = openRing({ maxBytes: 2 ** 19 })
    expect(await bytes()).toBeLessThanOrEqual(2 ** 19)
    after.add(spanOf({ name: 'new' }))
    await after.close()
    expect(await bytes()).toBeLessThanOrEqual(2 ** 19)
    expect(await readRing(folder, ['"new"'])).toHaveLength(1)
  })

  test('continues in a new file when another process deleted the current one', async () => {
    const ring = openRing()
    ring.add(spanOf({ name: 'first' }))
    const [file] = await waitFor(
      'file',
      () => listRing(folder),
      (files) => files.length === 1,
    )
    await unlink(join(folder, file?.name ?? ''))
    ring.add(spanOf({ name: 'second' }))
    await ring.close()
    expect(await readRing(folder, ['"second"'])).toHaveLength(1)
  })

  test('reports spans that it cannot write, and continues when it can', async () => {
    const at = join(folder, 'traces')
    const ring = openRing({ at })
    await rm(at, { recursive: true })
    ring.add(spanOf({ name: 'first' }))
    await waitFor('loss reported', () => losses.length > 0)
    expect(losses[0]).toMatchObject({ spans: 1, error: { code: 'ENOENT' } })
    openRing({ at })
    ring.add(spanOf({ name: 'second' }))
    await ring.close()
    expect(await readRing(at, ['"second"'])).toHaveLength(1)
  })

  test('keeps a limited number of spans in memory', async () => {
    const ring = openRing({ maxBytes: 2 ** 26 })
    for (let i = 0; i < 20_000; i++) ring.add(spanOf())
    await ring.close()
    ring.add(spanOf())
    await ring.close()
    expect(losses.reduce((sum, { spans }) => sum + spans, 0)).toBe(20_000 - 8192)
  })
})

describe('the trace of a task', () => {
  test('has the spans of all processes, and not those of other tasks of the same trace', async () => {
    const traceId = createTraceId()
    const child = (parent: SpanRecord | undefined, name: string, task?: string): SpanRecord =>
      spanOf({
        traceId,
        name,
        parentSpanId: parent?.context.spanId,
        attributes: task === undefined ? {} : { 'pixelflow.task.id': task },
      })
    const script = child(undefined, 'script')
    const calls = ['one', 'two'].map((task) => child(script, `call ${task}`, task))
    const [one, two] = calls
    const gateway = openRing()
    const actor = openRing({ service: 'actors' })
    for (const span of [script, ...calls, child(one, 'store one'), child(two, 'store two'), spanOf()]) {
      gateway.add(span)
    }
    const attempt = child(one, 'attempt', 'one')
    const retry = spanOf({
      links: two === undefined ? [] : [two.context],
      attributes: { 'pixelflow.task.id': 'later' },
    })
    actor.add(retry)
    for (const span of [attempt, child(attempt, 'decode')]) actor.add(span)
    await Promise.all([gateway.close(), actor.close()])

    const trace = await findTaskTrace(folder, 'one')
    expect(trace?.traceId).toBe(traceId)
    expect(trace?.spans.map(({ service, name }) => `${service} ${name}`).sort()).toEqual([
      'actors attempt',
      'actors decode',
      'gateway call one',
      'gateway script',
      'gateway store one',
    ])
    expect(trace?.linked).toEqual([])
    const later = await findTaskTrace(folder, 'later')
    expect(later?.linked.map(({ name }) => name)).toEqual(['call two'])
    expect(await findTaskTrace(folder, 'three')).toBeUndefined()
    expect(await findTaskTrace(join(folder, 'missing'), 'one')).toBeUndefined()
  })
})
