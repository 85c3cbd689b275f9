import { check } from 'k6'
import { Trend } from 'k6/metrics'
import { scenarios } from '../../scenarios.ts'
import { defineOptions } from '../define-options.ts'
import { restCalls } from '../rest-calls.ts'
import { nextImage } from '../next-image.ts'
import { runRound } from '../run-round.ts'

/** Readers list and get tasks, while writers create and delete tasks. */

export { writeSummary as handleSummary } from '../write-summary.ts'

export const options = defineOptions(scenarios.reads, {
  readers: { exec: 'readTasks', share: 0.75 },
  writers: { exec: 'writeTasks', share: 0.25 },
})

const pageSize = 50
/** Tasks that exist from the beginning, so that the first lists have a full page. */
const initialTasks = pageSize
/** A writer deletes its oldest task beyond this number. More than a page, so that listed tasks are not deleted. */
const tasksPerWriter = 2 * pageSize

interface Page {
  readonly items: readonly { readonly id: string; readonly image: string }[]
  readonly next: string | null
}

const listDuration = new Trend('list_duration', true)
const getDuration = new Trend('get_duration', true)
const createDuration = new Trend('create_duration', true)
/** The tasks of this writer, oldest first. */
const written: string[] = []

/** Creates the image and the first tasks. */
export function setup(): string {
  const image = restCalls.upload(nextImage())
  if (image === undefined) throw new Error('The upload of the image failed.')
  for (let count = 0; count < initialTasks; count += 1) restCalls.createTask(image)
  return image
}

export function writeTasks(image: string): Promise<void> {
  return runRound(() => {
    const task = restCalls.createTask(image)
    if (task === undefined) return false
    createDuration.add(task.ms)
    written.push(task.id)
    const oldest = written.length > tasksPerWriter ? written.shift() : undefined
    if (oldest !== undefined) restCalls.deleteTask(oldest)
    return true
  })
}

export function readTasks(): Promise<void> {
  return runRound(() => {
    const first = listTasks()
    if (first === undefined) return false
    listDuration.add(first.ms)
    check(first.items, {
      'a page is full': (items) => items.length === pageSize,
      // Ids begin with their time.
      'the newest tasks come first': (items) =>
        items.every(({ id }, at) => at === 0 || id < (items[at - 1]?.id ?? '')),
    })
    for (const one of [first.items[0], first.items[Math.floor(Math.random() * first.items.length)]]) {
      const response = restCalls.send('get', `/api/v1/tasks/${one?.id}`)
      getDuration.add(response.timings.duration)
      check(response, {
        'a listed task exists': ({ status }) => status === 200,
        'the task has its id': ({ body }) => body.includes(`"id":"${one?.id}"`),
      })
    }
    return true
  })
}

/** Deletes every task of this load test: those of its image. */
export function teardown(image: string): void {
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = listTasks(cursor, 200)
    for (const task of page?.items ?? []) if (task.image === image) restCalls.deleteTask(task.id)
    cursor = page?.next ?? null
  }
  restCalls.deleteImage(image)
}

/** A page of the list, and the milliseconds of the call; undefined when it failed. */
function listTasks(cursor = '', limit = pageSize): (Page & { ms: number }) | undefined {
  const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
  const response = restCalls.send('list', `/api/v1/tasks?limit=${limit}${after}`)
  const isListed = check(response, { 'the tasks are listed': ({ status }) => status === 200 })
  if (!isListed) return undefined
  return { ...(JSON.parse(response.body) as Page), ms: response.timings.duration }
}
