import type { DeadLetterPageView, TaskPageView } from '@pixelflow/core/views'
import { positionHeader } from '@pixelflow/core/position'
import { sampleImage } from '@pixelflow/testkit/images'
import type { client } from '../client.ts'
import { completeTask } from './frozen-task.ts'

/** How many resources there are of a kind that some calls delete, before they get only 404 and 409. */
const spareCount = 12

/** Valid values of parameters. Ids are those of existing resources. */
export interface SeededValues {
  readonly images: readonly string[]
  readonly spareImages: readonly string[]
  /** At least one task of each status. */
  readonly tasks: readonly string[]
  readonly completedTasks: readonly string[]
  readonly activeTasks: readonly string[]
  readonly spareTasks: readonly string[]
  readonly deadLetters: readonly string[]
  readonly spareDeadLetters: readonly string[]
  readonly outputs: readonly string[]
  readonly etags: readonly string[]
  readonly ranges: readonly string[]
  readonly positions: readonly string[]
  readonly taskCursors: readonly string[]
  readonly deadLetterCursors: readonly string[]
  readonly resumeTokens: readonly string[]
  readonly keys: readonly string[]
  readonly preferences: readonly string[]
  readonly recipes: readonly string[]
}

export interface SeedOptions {
  /** Uploads an image that no other call has uploaded, and returns its id. */
  readonly upload: () => Promise<string>
  readonly images: readonly [string, ...string[]]
  readonly completed: readonly [string, ...string[]]
  /** Tasks with a dead letter, at least three. */
  readonly failed: readonly [string, ...string[]]
  /** A task that stays running. Until it ends, bulk tasks stay queued. */
  readonly running: string
}

type Client = ReturnType<typeof client>

const twoOutputs = {
  steps: [],
  outputs: { default: { steps: [{ op: 'resize', width: 8 }] }, grey: { steps: [{ op: 'grayscale' }] } },
}

/** Creates tasks with one and with two outputs, and waits until they are completed. */
export async function completeTasks(api: Client, image: string): Promise<readonly [string, ...string[]]> {
  const recipes = [
    'resize:32/format:webp',
    twoOutputs,
    'resize:24/format:avif',
    twoOutputs,
    'blur:1',
    twoOutputs,
  ]
  const completed: string[] = []
  for (const recipe of recipes) completed.push(await completeTask(api, image, recipe))
  return completed as [string, ...string[]]
}

/** Creates the other resources: queued and cancelled tasks, and images and tasks to delete. */
export async function seedValues(
  api: Client,
  { upload, images, completed, failed, running }: SeedOptions,
): Promise<SeededValues> {
  const [image] = images
  const queueTask = async () => (await api.submit(image, 'resize:16', 'bulk')).id
  const queued = await repeat(2, queueTask)
  const cancelled = await queueTask()
  const cancelling = await api.call(`/api/v1/tasks/${cancelled}/cancel`, { method: 'POST' })
  const content = await api.call(`/api/v1/images/${image}/content`, { method: 'HEAD' })
  const output = await api.call(`/api/v1/tasks/${completed[0]}/outputs/default`, { method: 'HEAD' })
  const resumeTokens: string[] = []
  for await (const { token } of api.events(completed[0])) resumeTokens.push(token)
  const { items } = await api.json<DeadLetterPageView>('/api/v1/admin/dead')
  const deadLetters = items.map(({ id }) => id)
  return {
    images,
    spareImages: await repeat(spareCount, upload),
    tasks: [...completed.slice(0, 4), failed[0], cancelled, running, ...queued],
    completedTasks: completed,
    activeTasks: [running, ...(await repeat(spareCount, queueTask))],
    spareTasks: await repeat(spareCount, queueTask),
    deadLetters: deadLetters.slice(0, -2),
    spareDeadLetters: deadLetters.slice(-2),
    outputs: ['default', 'grey'],
    etags: ['*', headerOf(content, 'etag'), headerOf(output, 'etag')],
    ranges: ['bytes=0-9', 'bytes=-5', 'bytes=20-', 'bytes=99999999-'],
    positions: [headerOf(cancelling, positionHeader)],
    taskCursors: [await firstCursor(api, '/api/v1/tasks')],
    deadLetterCursors: [await firstCursor(api, '/api/v1/admin/dead')],
    resumeTokens,
    keys: ['first', 'second', 'third'],
    preferences: ['return=minimal', 'respond-async', 'respond-async, wait=5'],
    recipes: ['resize:16/format:png', 'blur:2', JSON.stringify(twoOutputs)],
  }
}

/** An image of 16 × 12 pixels; other seeds give other images. */
export function seedImage(seed: number): Promise<Uint8Array> {
  return sampleImage({ width: 16, height: 12, seed })
}

async function repeat(count: number, create: () => Promise<string>): Promise<string[]> {
  const created: string[] = []
  while (created.length < count) created.push(await create())
  return created
}

function headerOf({ url, headers }: Response, name: string): string {
  const value = headers.get(name)
  if (value === null) throw new Error(`${url} has no ${name}.`)
  return value
}

async function firstCursor(api: Client, path: string): Promise<string> {
  const { next } = await api.json<TaskPageView | DeadLetterPageView>(`${path}?limit=1`)
  if (next === null) throw new Error(`${path} has only one page.`)
  return next
}
