import type { TaskEvent, TaskView } from '@pixelflow/client'
import { faultRow, type FaultCode } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { hasEnded } from '@pixelflow/core/status'
import { createTally, isFinal, type Entry, type Tally } from './ledger.ts'
import type { GatewayClient } from './gateway-clients.ts'
import { disorder } from './follow.ts'
import type { TestAccount } from './start-load.ts'

/** What must not be. */
const wrongs = [
  // Tasks: not ended, or gone; ended, or made, more than once; ended otherwise than what was promised.
  'lost',
  'doubledEnds',
  'doubledTasks',
  'wrongResults',
  'wrongBytes',
  'wrongReasons',
  'failedWithoutReason',
  'cancelUndone',
  'undeleted',
  // Events as followers were told them.
  'missedEvents',
  'inventedEvents',
  'doubledEvents',
  'eventsOutOfOrder',
  // Gateways that tell of one task, or of all, in more than one way.
  'gatewaysDiffer',
  'listsDiffer',
  // Stored when nothing is to be stored any more.
  'orphanBytes',
  'leftovers',
  // Calls without an answer in time.
  'lateAnswers',
  // Processes that did not come back.
  'notBack',
] as const
type Wrong = (typeof wrongs)[number]

/** How often each was found, and of which tasks. */
export interface Wrongs {
  add(what: Wrong, where: string, times?: number): void
  readonly counts: Readonly<Record<Wrong, number>>
  readonly isNone: boolean
  /** The first few of each. */
  readonly examples: readonly string[]
}

export function createWrongs(): Wrongs {
  const counts = Object.fromEntries(wrongs.map((one) => [one, 0])) as Record<Wrong, number>
  const examples: string[] = []
  return {
    counts,
    get isNone() {
      return Object.values(counts).every((count) => count === 0)
    },
    examples,
    add(what, where, times = 1) {
      if (times === 0) return
      counts[what] += times
      if (examples.length < 50) examples.push(`${what}: ${where}`)
    },
  }
}

/** A task as it stands once everything is quiet; null when it was deleted. */
export type Standing = TaskView | null

/** Faults with which any task may end while processes and brokers are killed. */
function isCausedByChaos(code: FaultCode): boolean {
  const { failover, isStoreFault } = faultRow(code)
  return failover === true || isStoreFault === true || code === 'attempts_exhausted'
}

/** Compares the whole of a task's history with what was promised, and with what every follower was told. */
export async function inspect(
  entry: Entry,
  clients: readonly GatewayClient[],
  wrongs: Wrongs,
): Promise<Standing> {
  const { task } = entry
  const told = await Promise.all(entry.followers)
  for (const seen of told) {
    const { doubled, outOfOrder } = disorder(seen)
    wrongs.add('doubledEvents', task, doubled)
    wrongs.add('eventsOutOfOrder', task, outOfOrder)
  }
  const histories = await Promise.all(clients.map((gatewayClient) => historyOf(gatewayClient, task)))
  const history = histories[0] ?? null
  if (histories.some((one) => print(one) !== print(history))) wrongs.add('gatewaysDiffer', task)
  const last = history?.at(-1)
  if (history === null || last === undefined || last.kind === 'deleted') {
    if (!entry.deleteAsked) wrongs.add('lost', `${task}: not found on any gateway`)
    return null
  }
  if (entry.deleted) wrongs.add('undeleted', task)
  if (!isFinal(last)) {
    wrongs.add('lost', `${task}: still ${last.task.status} after ${last.kind}`)
    return last.task
  }
  wrongs.add('doubledEnds', task, history.filter(isFinal).length - 1)
  const tokens = history.map((one) => one.token)
  for (const seen of told) {
    const heard = new Set(seen.events.map((one) => one.token))
    const missed = tokens.filter((token) => !heard.has(token))
    const made = seen.events.filter((one) => !tokens.includes(one.token))
    const kinds = `${seen.events.map((one) => one.kind).join(' ')} of ${history.map((one) => one.kind).join(' ')}`
    wrongs.add('missedEvents', `${task}: ${kinds}`, missed.length)
    wrongs.add('inventedEvents', `${task}: ${kinds}`, made.length)
  }
  judge(entry, last.task, wrongs)
  if (entry.cancelled && last.task.status !== 'cancelled')
    wrongs.add('cancelUndone', `${task}: ${last.task.status}`)
  return last.task

  function judge({ task, work }: Entry, { status, fault, outputs }: TaskView, wrongs: Wrongs): void {
    const { answer } = work
    if (status === 'failed') {
      if (fault === undefined) wrongs.add('failedWithoutReason', task)
      else if (fault.code !== ('fault' in answer ? answer.fault : undefined) && !isCausedByChaos(fault.code))
        wrongs.add('wrongReasons', `${task}: ${fault.code}: ${fault.detail}`)
    }
    if (status === 'completed') {
      const made = outputs[0]
      const isRight =
        !('fault' in answer) &&
        made?.format === answer.format &&
        made.width === answer.width &&
        made.height === answer.height &&
        // The digest is known of pictures that were made while all was calm.
        (entry.ownImage || made.sha256 === answer.sha256)
      if (!isRight) wrongs.add('wrongResults', `${task}: ${work.recipe} makes ${JSON.stringify(made)}`)
    }
  }
}

const print = (history: readonly TaskEvent[] | null) => history?.map((one) => one.token).join(' ') ?? 'none'

/** All events, first to last; null for an unknown task. @throws when no gateway answers. */
async function historyOf(gatewayClient: GatewayClient, task: string): Promise<TaskEvent[] | null> {
  for (let tries = 1; ; tries += 1) {
    const events: TaskEvent[] = []
    const signal = AbortSignal.timeout(5000)
    try {
      for await (const event of gatewayClient.events(task, undefined, signal)) {
        events.push(event)
        if (isFinal(event)) break
      }
      return events
    } catch (thrown) {
      if (thrown instanceof Error && 'status' in thrown && thrown.status === 404) return null
      // It has not ended: this is all there is.
      if (signal.aborted && events.length > 0) return events
      if (tries === 5) throw thrown
      await pause(500)
    }
  }
}

/** Every task that the gateways list for their testAccount, once all have ended; they must list the same. */
export async function listed(
  { clients }: TestAccount,
  wrongs: Wrongs,
  signal: AbortSignal,
): Promise<TaskView[]> {
  for (;;) {
    const lists = await Promise.all(
      clients.map(({ client }) => Array.fromAsync(client.tasks({ limit: 200 }))),
    )
    const [all = []] = lists
    const areEqual = lists.every((one) => brief(one) === brief(all))
    if (signal.aborted && !areEqual) wrongs.add('listsDiffer', lists.map((one) => one.length).join(' '))
    if (signal.aborted || (areEqual && all.every(({ status }) => hasEnded(status)))) return all
    await pause(500, signal)
  }
}

const brief = (list: readonly TaskView[]) => list.map(({ id, status }) => `${id} ${status}`).join('\n')

/** How tasks have ended. */
export function endings(standing: readonly Standing[]): { ends: Tally; reasons: Tally } {
  const [ends, reasons] = [createTally(), createTally()]
  for (const one of standing) {
    ends.add(one?.status ?? 'deleted')
    if (one?.status === 'failed') reasons.add(one.fault?.code ?? 'none')
  }
  return { ends, reasons }
}

/** Does something with each of many, a few at a time. */
export async function each<T, R>(all: readonly T[], act: (one: T) => Promise<R>, atOnce = 8): Promise<R[]> {
  const results = new Map<number, R>()
  let next = 0
  const worker = async () => {
    for (let n = next++; n < all.length; n = next++) results.set(n, await act(all[n] as T))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return all.map((_, n) => results.get(n) as R)
}
