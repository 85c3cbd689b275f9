import { availableParallelism } from 'node:os'
import type { EventView, ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import type { EventKind } from '@pixelflow/core/event'
import type { Lane } from '@pixelflow/core/job'
import { startStack } from '@pixelflow/testkit/stack'
import { median, pace } from '../pace.ts'
import { photograph } from '../sample.ts'
import type { Part } from './part.ts'

const flooding = 'flooding'
const single = 'single'
const submittersAtOnce = 16

/**
 * One account's flood beside another account's single pictures: how long these wait, in units of the time for which a child
 * is busy with one picture. It uses a stack of its own, with two accounts, because the flood outlasts the part.
 */
export const fair: Part = async ({ options, say }) => {
  const { rounds, queued } = options
  const children = availableParallelism()
  const tokens = [flooding, single].map((name) => `${name}:secret-of-${name}`).join(',')
  await using stack = await startStack({
    env: { PIXELFLOW_API_TOKENS: tokens, PIXELFLOW_LOG_LEVEL: 'info' },
  })
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const source = await photograph()
  const [flood, one] = await Promise.all([
    callerOf(gateway.url, flooding, source),
    callerOf(gateway.url, single, source),
  ])
  const singles = rounds * 4
  say(
    `${queued} bulk tasks of one account, ${singles} single pictures of another in each lane; ` +
      `12 megapixels → 800 pixels, ${children} children`,
  )

  const lanes: readonly Lane[] = ['interactive', 'bulk']
  const measured = async (pauseMs: number) => {
    const waits: Record<Lane, Wait[]> = { interactive: [], bulk: [] }
    for (let round = 0; round < singles; round += 1) {
      for (const lane of lanes) {
        // Not always right after a child has become free.
        await Bun.sleep(Math.random() * pauseMs)
        waits[lane].push(await one.untilDecoded(lane))
      }
    }
    return waits
  }
  await pace(10, 1, async () => void (await one.untilDecoded('interactive')))
  const idle = await measured(0)

  const begin = performance.now()
  await pace(queued, submittersAtOnce, async () => void (await flood.submit('bulk')))
  const submitSeconds = (performance.now() - begin) / 1000
  say(`submitted in ${submitSeconds.toFixed(1)} s`)
  const from = Date.now()
  const beside = await measured(200)
  const to = Date.now()
  const ends = await flood.ends()
  if (ends.length > queued / 2) throw new Error('The flood is too small for this machine: --queued more.')
  const done = ends.filter((at) => at > from && at < to).length + 2 * singles
  const taskMs = (children * (to - from)) / done

  const idleMs = { interactive: median(idle.interactive.map(msOf)), bulk: median(idle.bulk.map(msOf)) }
  const found = (lane: Lane) => {
    const inTasks = beside[lane].map((wait) => (msOf(wait) - idleMs[lane]) / taskMs)
    const ended = beside[lane].map((wait) => ends.filter((at) => at > wait.from && at < wait.to).length)
    return {
      inTasks: { median: median(inTasks), most: Math.max(...inTasks) },
      tasksEnded: { median: median(ended), most: Math.max(...ended) },
    }
  }
  const waits = { interactive: found('interactive'), bulk: found('bulk') }
  const limits: Record<Lane, number> = { interactive: 1, bulk: 2 }
  say('')
  say(
    `a child is busy with one picture for ${taskMs.toFixed(0)} ms; a single picture waits so many such times:`,
  )
  for (const lane of lanes) {
    const { inTasks, tasksEnded } = waits[lane]
    say(
      `  ${lane.padEnd(12)} by the clock median ${inTasks.median.toFixed(2)}, most ${inTasks.most.toFixed(2)}; ` +
        `by counting median ${(tasksEnded.median / children).toFixed(2)}, ` +
        `most ${(tasksEnded.most / children).toFixed(2)}   (at most ${limits[lane]})`,
    )
  }
  say(
    'By the clock: until decoded, less the same in an idle pixelflow ' +
      `(${idleMs.interactive.toFixed(0)} and ${idleMs.bulk.toFixed(0)} ms), so other load of the machine counts as waiting. ` +
      'By counting: tasks of the flood that ended until then, for each child, its own decoding included.',
  )
  return {
    fairTaskMs: taskMs,
    fairIdleMs: idleMs,
    fairWaits: waits,
    fairSubmitsPerSecond: queued / submitSeconds,
  }
}

/** From the moment that a picture is accepted to when a child has decoded it. */
interface Wait {
  readonly from: number
  readonly to: number
}

function msOf({ from, to }: Wait): number {
  return to - from
}

/** One account, with a picture of its own. */
async function callerOf(url: string, name: string, source: Uint8Array) {
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
    /** Resolves at the picture's end. */
    async untilDecoded(lane: Lane): Promise<Wait> {
      const { id } = await submit(lane)
      const events = eventsIn(await (await call(`/api/v1/tasks/${id}/events`)).text())
      if (events.at(-1)?.kind !== 'completed') throw new Error(`task ${id} did not complete`)
      return { from: momentOf(events, 'queued'), to: momentOf(events, 'decoded') }
    },
    /** When the account's completed tasks have ended. */
    async ends(): Promise<number[]> {
      const ends: number[] = []
      for (let query = '?status=completed&limit=200'; ;) {
        const page = (await (await call(`/api/v1/tasks${query}`)).json()) as TaskPageView
        ends.push(...page.items.map(({ endedAt = '' }) => Date.parse(endedAt)))
        if (page.next === null) return ends
        query = `?status=completed&limit=200&cursor=${page.next}`
      }
    },
  }
}

function eventsIn(text: string): EventView[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: {"'))
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as EventView)
}

function momentOf(events: readonly EventView[], kind: EventKind): number {
  return Date.parse(events.find((one) => one.kind === kind)?.at ?? '')
}
