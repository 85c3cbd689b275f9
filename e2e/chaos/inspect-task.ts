import type { TaskEvent, TaskView } from '@pixelflow/client'
import { faultRow, type FaultCode } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { isLastEvent, type LedgerEntry } from './ledger.ts'
import type { GatewayClient } from './gateway-clients.ts'
import { countDisorder, isNotFound } from './run-follower.ts'
import type { Violations } from './violations.ts'

/** A task after the last fault, when all followers are done; null when it was deleted. */
export type InspectedTask = TaskView | null

/** Whether any task may end with this fault while processes and brokers are killed. */
function isCausedByChaos(code: FaultCode): boolean {
  const { canFailOver, isStoreFault } = faultRow(code)
  return canFailOver === true || isStoreFault === true || code === 'attempts_exhausted'
}

/** Compares the complete history of a task with what was promised, and with what every follower received. */
export async function inspectTask(
  entry: LedgerEntry,
  clients: readonly GatewayClient[],
  violations: Violations,
): Promise<InspectedTask> {
  const { task } = entry
  const followed = await Promise.all(entry.followers)
  for (const one of followed) {
    const { duplicates, outOfOrder } = countDisorder(one)
    violations.add('duplicateEvents', task, duplicates)
    violations.add('eventsOutOfOrder', task, outOfOrder)
  }
  const histories = await Promise.all(clients.map((gatewayClient) => readHistory(gatewayClient, task)))
  const history = histories[0] ?? null
  if (histories.some((one) => tokensOf(one) !== tokensOf(history))) violations.add('gatewaysDiffer', task)
  const last = history?.at(-1)
  if (history === null || last === undefined || last.kind === 'deleted') {
    if (!entry.deleteRequested) violations.add('lostTasks', `${task}: not found on any gateway`)
    return null
  }
  if (entry.deleted) violations.add('deleteUndone', task)
  if (!isLastEvent(last)) {
    violations.add('lostTasks', `${task}: still ${last.task.status} after ${last.kind}`)
    return last.task
  }
  violations.add('duplicateEnds', task, history.filter(isLastEvent).length - 1)
  const tokens = history.map((one) => one.token)
  for (const { events } of followed) {
    const received = new Set(events.map((one) => one.token))
    const missed = tokens.filter((token) => !received.has(token))
    const unknown = events.filter((one) => !tokens.includes(one.token))
    const kinds = `${events.map((one) => one.kind).join(' ')} of ${history.map((one) => one.kind).join(' ')}`
    violations.add('missedEvents', `${task}: ${kinds}`, missed.length)
    violations.add('unknownEvents', `${task}: ${kinds}`, unknown.length)
  }
  compareWithExpected(entry, last.task, violations)
  if (entry.cancelled && last.task.status !== 'cancelled')
    violations.add('cancelUndone', `${task}: ${last.task.status}`)
  return last.task
}

function compareWithExpected(
  { task, recipeCase: { recipe, expected }, hasOwnImage }: LedgerEntry,
  { status, fault, outputs }: TaskView,
  violations: Violations,
): void {
  if (status === 'failed') {
    const expectedFault = 'fault' in expected ? expected.fault : undefined
    if (fault === undefined) violations.add('failedWithoutFault', task)
    else if (fault.code !== expectedFault && !isCausedByChaos(fault.code))
      violations.add('wrongFaults', `${task}: ${fault.code}: ${fault.detail}`)
  }
  if (status === 'completed') {
    const output = outputs[0]
    const isRight =
      !('fault' in expected) &&
      output?.format === expected.format &&
      output.width === expected.width &&
      output.height === expected.height &&
      (hasOwnImage || output.sha256 === expected.sha256)
    if (!isRight) violations.add('wrongResults', `${task}: ${recipe} makes ${JSON.stringify(output)}`)
  }
}

const tokensOf = (history: readonly TaskEvent[] | null) =>
  history?.map((one) => one.token).join(' ') ?? 'none'

/** All events, first to last; null for an unknown task. @throws when the gateway fails five times. */
async function readHistory(gatewayClient: GatewayClient, task: string): Promise<TaskEvent[] | null> {
  for (let tries = 1; ; tries += 1) {
    const events: TaskEvent[] = []
    const signal = AbortSignal.timeout(5000)
    try {
      for await (const event of gatewayClient.events(task, undefined, signal)) {
        events.push(event)
        if (isLastEvent(event)) break
      }
      return events
    } catch (thrown) {
      if (isNotFound(thrown)) return null
      // The task has not ended: the stream stays open after the last event.
      if (signal.aborted && events.length > 0) return events
      if (tries === 5) throw thrown
      await pause(500)
    }
  }
}
