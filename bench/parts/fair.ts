import { availableParallelism } from 'node:os'
import type { EventView, ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import type { EventKind } from '@pixelflow/core/event'
import type { Lane } from '@pixelflow/core/job'
import { startStack } from '@pixelflow/testkit/stack'
import { measureRate } from '../measure-rate.ts'
import { computeMedian } from '../compute-median.ts'
import { samplePhoto } from '../sample-photo.ts'
import type { Part } from './part.ts'

const flooding = 'flooding'
const single = 'single'
const submittersAtOnce = 16
/** Beyond it, the list of tasks does not end. */
const maxPages = 10_000

/**
 * Measures how long the single images of one account wait while another account floods the queue, in units of the time
 * for which a worker is busy with one image. Uses a stack of its own, with two accounts, because the flood outlasts the
 * part.
 */
export const fairPart: Part = async ({ options, print }) => {
  const { rounds, queued } = options
  const workers = availableParallelism()
  const tokens = [flooding, single].map((name) => `${name}:secret-of-${name}`).join(',')
  await using stack = await startStack({
    env: { PIXELFLOW_API_TOKENS: tokens, PIXELFLOW_LOG_LEVEL: 'info' },
  })
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const source = await samplePhoto()
  const [flood, one] = await Promise.all([
    openCaller(gateway.url, flooding, source),
    openCaller(gateway.url, single, source),
  ])
  const singles = rounds * 4
  print(
    `${queued} bulk tasks of one account, ${singles} single images of another in each lane; ` +
      `12 megapixels → 800 pixels, ${workers} workers`,
  )

  const lanes: readonly Lane[] = ['interactive', 'bulk']
  const measureWaits = async (pauseMs: number) => {
    const waits: Record<Lane, Wait[]> = { interactive: [], bulk: [] }
    for (let round = 0; round < singles; round += 1) {
      for (const lane of lanes) {
        // A random pause, so that a task does not always arrive right after a worker became free.
        await Bun.sleep(Math.random() * pauseMs)
        waits[lane].push(await one.measureWait(lane))
      }
    }
    return waits
  }
  await measureRate(10, 1, async () => void (await one.measureWait('interactive')))
  const idle = await measureWaits(0)

  const startedAt = performance.now()
  await measureRate(queued, submittersAtOnce, async () => void (await flood.submit('bulk')))
  const submitSeconds = (performance.now() - startedAt) / 1000
  print(`submitted in ${submitSeconds.toFixed(1)} s`)
  const from = Date.now()
  const beside = await measureWaits(200)
  const to = Date.now()
  const ends = await flood.listEnds()
  if (ends.length > queued / 2)
    throw new Error('The flood ended too early for this machine. Give a larger --queued.')
  const completed = ends.filter((at) => at > from && at < to).length + 2 * singles
  const taskMs = (workers * (to - from)) / completed

  const idleMs = {
    interactive: computeMedian(idle.interactive.map(msOf)),
    bulk: computeMedian(idle.bulk.map(msOf)),
  }
  const summarize = (lane: Lane) => {
    const inTasks = beside[lane].map((wait) => (msOf(wait) - idleMs[lane]) / taskMs)
    const ended = beside[lane].map((wait) => ends.filter((at) => at > wait.from && at < wait.to).length)
    return {
      inTasks: { median: computeMedian(inTasks), most: Math.max(...inTasks) },
      tasksEnded: { median: computeMedian(ended), most: Math.max(...ended) },
    }
  }
  const waits = { interactive: summarize('interactive'), bulk: summarize('bulk') }
  const limits: Record<Lane, number> = { interactive: 1, bulk: 2 }
  print('')
  print(
    `a worker is busy with one image for ${taskMs.toFixed(0)} ms; a single image waits this many times as long:`,
  )
  for (const lane of lanes) {
    const { inTasks, tasksEnded } = waits[lane]
    print(
      `  ${lane.padEnd(12)} by the clock median ${inTasks.median.toFixed(2)}, most ${inTasks.most.toFixed(2)}; ` +
        `by counting median ${(tasksEnded.median / workers).toFixed(2)}, ` +
        `most ${(tasksEnded.most / workers).toFixed(2)}   (at most ${limits[lane]})`,
    )
  }
  print(
    'By the clock: the time until the image is decoded, minus that of an idle PixelFlow ' +
      `(${idleMs.interactive.toFixed(0)} and ${idleMs.bulk.toFixed(0)} ms); other load of the machine counts as waiting. ` +
      'By counting: tasks of the flood that ended in that time, per worker.',
  )
  return {
    fairTaskMs: taskMs,
    fairIdleMs: idleMs,
    fairWaits: waits,
    fairSubmitsPerSecond: queued / submitSeconds,
  }
}

/** From the time at which a task is accepted to the time at which a worker has decoded its image. */
interface Wait {
  readonly from: number
  readonly to: number
}

function msOf({ from, to }: Wait): number {
  return to - from
}

/** Calls of one account, which has uploaded an image. */
async function openCaller(url: string, name: string, source: Uint8Array) {
  const authorization = `Bearer secret-of-${name}`
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization, ...(init.headers as Record<string, string>) }
    const answer = await fetch(`${url}${path}`, { ...init, headers })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, type: string) =>
    call(path, { method: 'POST', body, headers: { 'content-type': type } })
  const uploaded = await post('/api/v1/images', source as Uint8Array<ArrayBuffer>, 'image/jpeg')
  const { id: image } = (await uploaded.json()) as ImageView

  const submit = async (lane: Lane): Promise<TaskView> => {
    const body = JSON.stringify({ image, recipe: 'resize:800', lane })
    return (await (await post('/api/v1/tasks', body, 'application/json')).json()) as TaskView
  }
  return {
    submit,
    /** Processes one task to its end, and returns how long it waited. */
    async measureWait(lane: Lane): Promise<Wait> {
      const { id } = await submit(lane)
      const events = eventsIn(await (await call(`/api/v1/tasks/${id}/events`)).text())
      if (events.at(-1)?.kind !== 'completed') throw new Error(`task ${id} did not complete`)
      return { from: timeOf(events, 'queued'), to: timeOf(events, 'decoded') }
    },
    /** When each completed task of the account ended. */
    async listEnds(): Promise<number[]> {
      const ends: number[] = []
      let query = '?status=completed&limit=200'
      for (let pages = 0; pages < maxPages; pages += 1) {
        const page = (await (await call(`/api/v1/tasks${query}`)).json()) as TaskPageView
        ends.push(...page.items.map(({ endedAt = '' }) => Date.parse(endedAt)))
        if (page.next === null) return ends
        query = `?status=completed&limit=200&cursor=${page.next}`
      }
      throw new Error(`the task list has more than ${maxPages} pages`)
    },
  }
}

function eventsIn(text: string): EventView[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: {"'))
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as EventView)
}

function timeOf(events: readonly EventView[], kind: EventKind): number {
  return Date.parse(events.find((one) => one.kind === kind)?.at ?? '')
}
