import { expect } from 'bun:test'
import { Lane, TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import {
  calls,
  chunks,
  commit,
  digestOf,
  kinds,
  metadata,
  only,
  present,
  refused,
  slow,
  text,
  tiny,
  twoOutputs,
  unusedId,
  type Scenario,
} from './bench.ts'
import { call } from './grpcurl.ts'

/** What happens to a task with two outputs. */
const life = ['QUEUED', 'STARTED', 'FETCHED', 'DECODED', 'OUTPUT', 'OUTPUT', 'COMPLETED']

/** Tasks, and watching them. */
export const taskScenarios: Readonly<Record<string, Scenario>> = {
  async 'create-task'({ create }) {
    const task = await create(text('resize:40/format:webp'))
    expect(task).toMatchObject({ status: TaskStatus.QUEUED })
    expect(task.recipe).toMatchObject({ steps: [{ op: 'resize', width: 40 }, { op: 'format' }] })
  },
  async 'create-task-struct'({ create }) {
    const { recipe } = await create(twoOutputs)
    expect(recipe).toMatchObject({ steps: [{ op: 'grayscale' }], outputs: { large: {}, small: {} } })
  },
  async 'bad-recipe'({ ann, image }) {
    const request = { image: (await image()).id, recipe: text('blur:9999') }
    const ending = await call(ann, calls.createTask, request)
    refused(ending, 'INVALID_ARGUMENT', 'invalid_recipe', 'steps[0].sigma')
    expect(ending.remedy).toContain('sigma')
  },
  async 'no-recipe'({ ann, image }) {
    const ending = await call(ann, calls.createTask, { image: (await image()).id })
    refused(ending, 'INVALID_ARGUMENT', 'invalid_recipe', 'recipe')
  },
  async 'unknown-image'({ ann }) {
    const ending = await call(ann, calls.createTask, { image: unusedId(), recipe: tiny })
    refused(ending, 'NOT_FOUND', 'image_not_found')
  },
  async process({ ann, image }) {
    const request = { image: (await image()).id, recipe: twoOutputs }
    const { answers, code } = await call(ann, calls.process, request)
    expect(code).toBe(0)
    const pieces = answers.map(({ data }) => data)
    const events = pieces.filter((one) => one.case === 'event').map(({ value }) => value)
    expect(kinds(events)).toEqual(life)
    const progress = events.map(({ task }) => task?.progress ?? -1)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(100)
    // Each output is named, then come its bytes.
    const outputs = pieces.flatMap((one, at) => (one.case === 'output' ? [{ about: one.value, at }] : []))
    expect(outputs.map(({ about }) => about.name).sort()).toEqual(['large', 'small'])
    for (const [i, { about, at }] of outputs.entries()) {
      const parts = pieces.slice(at + 1, outputs[i + 1]?.at).map(({ value }) => value as Uint8Array)
      expect(digestOf(Buffer.concat(parts))).toBe(about.sha256)
    }
  },
  async 'process-corrupt'({ ann, upload, photo }) {
    const broken = photo.subarray(0, 2000)
    const { id } = only(await upload(metadata(), ...chunks(broken), commit(broken)))
    const ending = await call(ann, calls.process, { image: id, recipe: tiny })
    refused(ending, 'INVALID_ARGUMENT', 'corrupt_image')
    const events = ending.answers.flatMap(({ data }) => (data.case === 'event' ? [data.value] : []))
    expect(kinds(events).at(-1)).toBe('FAILED')
    expect(events.at(-1)?.task?.fault?.code).toBe('corrupt_image')
  },
  async watch({ watch, done }) {
    const { answers, code } = await watch((await done()).id)
    expect(code).toBe(0)
    expect(kinds(answers)).toEqual(life)
    expect(new Set(answers.map(({ token }) => token)).size).toBe(life.length)
  },
  async 'watch-ended'({ watch, done }) {
    const { id } = await done()
    const last = (await watch(id)).answers.at(-1)
    expect(await watch(id, present(last).token)).toMatchObject({ answers: [], code: 0 })
  },
  async 'watch-wrong-token'({ watch, done }) {
    const ending = await watch((await done()).id, '!')
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'after')
  },
  async 'get-task'({ ann, done }) {
    const task = await done()
    expect(only(await call(ann, calls.getTask, { id: task.id })).task).toEqual(task)
    expect(task).toMatchObject({ status: TaskStatus.COMPLETED, progress: 100, attempt: 1 })
  },
  async 'list-tasks'({ ann, create, finish }) {
    const mine: string[] = []
    for (let i = 0; i < 3; i++) mine.unshift((await finish(await create(tiny))).id)
    const found: string[] = []
    let cursor = ''
    do {
      const page = only(await call(ann, calls.listTasks, { limit: 2, cursor }))
      expect(page.items.length).toBeWithin(1, 3)
      found.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== '')
    expect(found).toEqual([...new Set(found)].sort().reverse())
    expect(found.slice(0, 3)).toEqual(mine)
    const status = TaskStatus.COMPLETED
    const { items } = only(await call(ann, calls.listTasks, { limit: 200, status }))
    expect(new Set(items.map((one) => one.status))).toEqual(new Set([status]))
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining(mine))
  },
  async 'list-limit'({ ann }) {
    const ending = await call(ann, calls.listTasks, { limit: 201 })
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'limit')
  },
  async cancel({ create, watch, cancel }) {
    const { id } = await create(slow)
    const watching = watch(id)
    for (let i = 0; i < 2; i++) expect(only(await cancel(id)).status).toBe(TaskStatus.CANCELLED)
    const { answers, code } = await watching
    expect(code).toBe(0)
    expect(kinds(answers).at(-1)).toBe('CANCELLED')
  },
  async 'cancel-ended'({ cancel, done }) {
    refused(await cancel((await done()).id), 'FAILED_PRECONDITION', 'task_ended')
  },
  async 'delete-task'({ ann, create, finish }) {
    const { id } = await finish(await create(tiny))
    only(await call(ann, calls.deleteTask, { id }))
    refused(await call(ann, calls.getTask, { id }), 'NOT_FOUND', 'task_not_found')
  },
  async 'retry-task'({ ann, done, create, finish, cancel }) {
    const first = await done()
    const again = present(only(await call(ann, calls.retryTask, { id: first.id })).task)
    expect(again).toMatchObject({ retryOf: first.id, image: first.image })
    expect(again.recipe).toEqual(first.recipe)
    const digests = (await finish(again)).outputs.map(({ sha256 }) => sha256)
    expect(digests).toEqual(first.outputs.map(({ sha256 }) => sha256))
    const { id } = await create(slow)
    const early = await call(ann, calls.retryTask, { id })
    await cancel(id)
    refused(early, 'FAILED_PRECONDITION', 'task_active')
  },
  async bulk({ ann, image, finish }) {
    const request = { image: (await image()).id, recipe: tiny, lane: Lane.BULK }
    const task = present(only(await call(ann, calls.createTask, request)).task)
    const ended = { lane: Lane.BULK, status: TaskStatus.COMPLETED }
    expect(task.lane).toBe(Lane.BULK)
    expect(await finish(task)).toMatchObject(ended)
    const again = present(only(await call(ann, calls.retryTask, { id: task.id })).task)
    expect(await finish(again)).toMatchObject({ ...ended, retryOf: task.id })
  },
  async 'list-actors'({ ann, done }) {
    const { actor } = await done()
    const { items } = only(await call(ann, calls.listActors, {}))
    expect(items.map(({ name }) => name)).toContain(actor)
    for (const one of items) expect(one.slots).toBeGreaterThan(0)
  },
}
