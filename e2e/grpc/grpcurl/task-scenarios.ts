import { expect } from 'bun:test'
import { Lane, TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sha256Of, kindsOf, expectResult, required, expectError, unusedId } from './expect-result.ts'
import { slowRecipe, createRecipeValue, quickRecipe, twoOutputsRecipe } from './create-recipe-value.ts'
import { methods, type Scenario } from './scenario-context.ts'
import { chunkMessages, commitMessage, metadataMessage } from './create-upload.ts'
import { callGrpcurl } from './call-grpcurl.ts'

/** The events of a task with two outputs. */
const twoOutputKinds = ['QUEUED', 'STARTED', 'FETCHED', 'DECODED', 'OUTPUT', 'OUTPUT', 'COMPLETED']

/** Creating, watching, listing and ending tasks. */
export const taskScenarios: Readonly<Record<string, Scenario>> = {
  async 'create-task'({ create }) {
    const task = await create(createRecipeValue('resize:40/format:webp'))
    expect(task).toMatchObject({ status: TaskStatus.QUEUED })
    expect(task.recipe).toMatchObject({ steps: [{ op: 'resize', width: 40 }, { op: 'format' }] })
  },
  async 'create-task-struct'({ create }) {
    const { recipe } = await create(twoOutputsRecipe)
    expect(recipe).toMatchObject({ steps: [{ op: 'grayscale' }], outputs: { large: {}, small: {} } })
  },
  async 'bad-recipe'({ ann, image }) {
    const request = { image: (await image()).id, recipe: createRecipeValue('blur:9999') }
    const result = await callGrpcurl(ann, methods.createTask, request)
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_RECIPE', 'steps[0].sigma')
    expect(result.remedy).toContain('sigma')
  },
  async 'no-recipe'({ ann, image }) {
    const result = await callGrpcurl(ann, methods.createTask, { image: (await image()).id })
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_RECIPE', 'recipe')
  },
  async 'unknown-image'({ ann }) {
    const result = await callGrpcurl(ann, methods.createTask, { image: unusedId(), recipe: quickRecipe })
    expectError(result, 'NOT_FOUND', 'IMAGE_NOT_FOUND')
  },
  async process({ ann, image }) {
    const request = { image: (await image()).id, recipe: twoOutputsRecipe }
    const { responses, code } = await callGrpcurl(ann, methods.process, request)
    expect(code).toBe(0)
    const pieces = responses.map(({ data }) => data)
    const events = pieces.filter((one) => one.case === 'event').map(({ value }) => value)
    expect(kindsOf(events)).toEqual(twoOutputKinds)
    const progress = events.map(({ task }) => task?.progress ?? -1)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(100)
    // A message that describes each output, followed by its bytes.
    const outputs = pieces.flatMap((one, at) => (one.case === 'output' ? [{ output: one.value, at }] : []))
    expect(outputs.map(({ output }) => output.name).sort()).toEqual(['large', 'small'])
    for (const [i, { output, at }] of outputs.entries()) {
      const parts = pieces.slice(at + 1, outputs[i + 1]?.at).map(({ value }) => value as Uint8Array)
      expect(sha256Of(Buffer.concat(parts))).toBe(output.sha256)
    }
  },
  async 'process-corrupt'({ ann, upload, photo }) {
    const broken = photo.subarray(0, 2000)
    const { id } = expectResult(
      await upload(metadataMessage(), ...chunkMessages(broken), commitMessage(broken)),
    )
    const result = await callGrpcurl(ann, methods.process, { image: id, recipe: quickRecipe })
    expectError(result, 'INVALID_ARGUMENT', 'CORRUPT_IMAGE')
    const events = result.responses.flatMap(({ data }) => (data.case === 'event' ? [data.value] : []))
    expect(kindsOf(events).at(-1)).toBe('FAILED')
    expect(events.at(-1)?.task?.fault?.code).toBe('corrupt_image')
  },
  async watch({ watch, completedTask }) {
    const { responses, code } = await watch((await completedTask()).id)
    expect(code).toBe(0)
    expect(kindsOf(responses)).toEqual(twoOutputKinds)
    expect(new Set(responses.map(({ token }) => token)).size).toBe(twoOutputKinds.length)
  },
  async 'watch-ended'({ watch, completedTask }) {
    const { id } = await completedTask()
    const last = (await watch(id)).responses.at(-1)
    expect(await watch(id, required(last).token)).toMatchObject({ responses: [], code: 0 })
  },
  async 'watch-wrong-token'({ watch, completedTask }) {
    const result = await watch((await completedTask()).id, '!')
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'after')
  },
  async 'get-task'({ ann, completedTask }) {
    const task = await completedTask()
    expect(expectResult(await callGrpcurl(ann, methods.getTask, { id: task.id })).task).toEqual(task)
    expect(task).toMatchObject({ status: TaskStatus.COMPLETED, progress: 100, attempt: 1 })
  },
  async 'list-tasks'({ ann, create, finish }) {
    const created: string[] = []
    for (let i = 0; i < 3; i++) created.unshift((await finish(await create(quickRecipe))).id)
    const listed: string[] = []
    let cursor = ''
    do {
      const page = expectResult(await callGrpcurl(ann, methods.listTasks, { limit: 2, cursor }))
      expect(page.items.length).toBeWithin(1, 3)
      listed.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== '')
    expect(listed).toEqual([...new Set(listed)].sort().reverse())
    expect(listed.slice(0, 3)).toEqual(created)
    const status = TaskStatus.COMPLETED
    const { items } = expectResult(await callGrpcurl(ann, methods.listTasks, { limit: 200, status }))
    expect(new Set(items.map((one) => one.status))).toEqual(new Set([status]))
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining(created))
  },
  async 'list-limit'({ ann }) {
    const result = await callGrpcurl(ann, methods.listTasks, { limit: 201 })
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'limit')
  },
  async cancel({ create, watch, cancel }) {
    const { id } = await create(slowRecipe)
    const watching = watch(id)
    for (let i = 0; i < 2; i++) expect(expectResult(await cancel(id)).status).toBe(TaskStatus.CANCELLED)
    const { responses, code } = await watching
    expect(code).toBe(0)
    expect(kindsOf(responses).at(-1)).toBe('CANCELLED')
  },
  async 'cancel-ended'({ cancel, completedTask }) {
    expectError(await cancel((await completedTask()).id), 'FAILED_PRECONDITION', 'TASK_ENDED')
  },
  async 'delete-task'({ ann, create, finish }) {
    const { id } = await finish(await create(quickRecipe))
    expectResult(await callGrpcurl(ann, methods.deleteTask, { id }))
    expectError(await callGrpcurl(ann, methods.getTask, { id }), 'NOT_FOUND', 'TASK_NOT_FOUND')
  },
  async 'retry-task'({ ann, completedTask, create, finish, cancel }) {
    const first = await completedTask()
    const again = required(expectResult(await callGrpcurl(ann, methods.retryTask, { id: first.id })).task)
    expect(again).toMatchObject({ retryOf: first.id, image: first.image })
    expect(again.recipe).toEqual(first.recipe)
    const digests = (await finish(again)).outputs.map(({ sha256 }) => sha256)
    expect(digests).toEqual(first.outputs.map(({ sha256 }) => sha256))
    const { id } = await create(slowRecipe)
    const early = await callGrpcurl(ann, methods.retryTask, { id })
    await cancel(id)
    expectError(early, 'FAILED_PRECONDITION', 'TASK_ACTIVE')
  },
  async bulk({ ann, image, finish }) {
    const request = { image: (await image()).id, recipe: quickRecipe, lane: Lane.BULK }
    const task = required(expectResult(await callGrpcurl(ann, methods.createTask, request)).task)
    const ended = { lane: Lane.BULK, status: TaskStatus.COMPLETED }
    expect(task.lane).toBe(Lane.BULK)
    expect(await finish(task)).toMatchObject(ended)
    const again = required(expectResult(await callGrpcurl(ann, methods.retryTask, { id: task.id })).task)
    expect(await finish(again)).toMatchObject({ ...ended, retryOf: task.id })
  },
  async 'list-actors'({ ann, completedTask }) {
    const { actor } = await completedTask()
    const { items } = expectResult(await callGrpcurl(ann, methods.listActors, {}))
    expect(items.map(({ name }) => name)).toContain(actor)
    for (const one of items) expect(one.slots).toBeGreaterThan(0)
  },
}
