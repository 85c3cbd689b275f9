import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { effect } from '@preact/signals'
import { openHttp, type EventView, type TaskView } from '@pixelflow/client'
import { createTaskRun, type TaskRun } from './task-run.ts'
import type { ImageSelection } from './image-selection.ts'
import { createUploads } from './uploads.ts'

const output = {
  name: 'default',
  format: 'webp',
  mediaType: 'image/webp',
  bytes: 4,
  sha256: '',
  width: 2,
  height: 2,
}
const href = '/api/v1/tasks/t/outputs/default'
const at = '2026-11-21T10:00:00.000Z'
const story: [EventView['kind'], TaskView['status']][] = [
  ['queued', 'queued'],
  ['started', 'running'],
  ['output', 'running'],
  ['completed', 'completed'],
]

function task(status: TaskView['status'], more: Partial<TaskView> = {}): TaskView {
  const outputs = status === 'completed' ? [{ ...output, href }] : []
  return {
    id: 't',
    status,
    progress: 0,
    image: 'i',
    recipe: { steps: [] },
    outputs,
    attempt: 1,
    ...more,
  } as TaskView
}

/** Responses of the server by path; each test sets its own. */
let responses: Record<string, () => Response> = {}
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request) =>
    responses[new URL(request.url).pathname]?.() ?? Response.json({ code: 'not_found' }, { status: 404 }),
})
afterAll(() => server.stop(true))

const events =
  (...list: { kind: EventView['kind']; task: TaskView }[]) =>
  () =>
    new Response(list.map((one, seq) => `id: ${seq}\ndata: ${JSON.stringify({ at, ...one })}\n\n`).join(''))

let run: TaskRun
let phases: string[]
let known: TaskView[]

beforeEach(() => {
  const client = openHttp({ url: server.url.href })
  const selection = { current: { value: null } } as unknown as ImageSelection
  known = []
  const listeners = { onTask: (one: TaskView) => known.push(one), onDeleted: () => {}, onFailure: () => {} }
  run = createTaskRun(client, selection, createUploads(client, selection), listeners)
  phases = []
  effect(() => {
    if (phases.at(-1) !== run.phase.value) phases.push(run.phase.value)
  })
  responses = {
    '/api/v1/tasks/t/events': events(...story.map(([kind, status]) => ({ kind, task: task(status) }))),
    [href]: () => new Response('RIFF', { headers: { etag: `"${'0'.repeat(64)}"` } }),
  }
})

describe('a watched task', () => {
  test('passes through its phases and ends with its results', async () => {
    await run.open(task('queued'))
    expect(phases).toEqual(['idle', 'active', 'completed'])
    expect(run.events.value.map((one) => one.kind)).toEqual(story.map(([kind]) => kind))
    expect(run.results.value.map((one) => one.output.name)).toEqual(['default'])
    expect(await (await fetch(run.results.value[0]?.url ?? '')).text()).toBe('RIFF')
  })

  test('shows all events of an ended task without becoming active again', async () => {
    await run.open(task('completed'))
    expect(phases).toEqual(['idle', 'completed'])
    expect(new Set(known.map((one) => one.status))).toEqual(new Set(['completed']))
    expect(run.results.value).toHaveLength(1)
  })

  test('shows its own fault', async () => {
    const fault = { code: 'corrupt_image', detail: 'It ends early.', remedy: 'Export it again.' } as const
    responses['/api/v1/tasks/t/events'] = events({ kind: 'failed', task: task('failed', { fault }) })
    await run.open(task('queued'))
    expect(run.phase.value).toBe('failed')
    expect(run.failure.value).toEqual({ title: 'Corrupt image', ...fault })
  })

  test('reports that its results have expired', async () => {
    responses[href] = () => Response.json({ title: 'Unknown output', detail: 'Gone.' }, { status: 404 })
    await run.open(task('completed'))
    expect(run.phase.value).toBe('completed')
    expect(run.failure.value?.detail).toBe('Gone.')
  })

  test('is closed when another client deletes it', async () => {
    responses['/api/v1/tasks/t/events'] = events({ kind: 'deleted', task: task('completed') })
    await run.open(task('completed'))
    expect([run.phase.value, run.task.value]).toEqual(['idle', null])
  })

  test('revokes the object URLs of its results when the next task replaces it', async () => {
    await run.open(task('completed'))
    const url = run.results.value[0]?.url ?? ''
    run.reset()
    expect(run.results.value).toEqual([])
    await expect(fetch(url)).rejects.toThrow()
  })
})
