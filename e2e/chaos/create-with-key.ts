import type { TaskView } from '@pixelflow/client'
import { pause } from '@pixelflow/core/pause'
import { client as plainClient } from '../client.ts'
import type { Tally } from './ledger.ts'
import { tokenOf, type ChaosCluster } from './chaos-cluster.ts'
import type { Violations } from './violations.ts'
import type { Random } from './random.ts'

/** A call may take 20 s, whatever the brokers do, and a gateway may be frozen for 4 s meanwhile (`stopGateway`). */
const maxAnswerMs = 24_000
/** Maximum number of calls with one key. */
const maxCalls = 60

export interface KeyedCall {
  readonly account: string
  readonly key: string
  readonly image: string
  readonly recipe: string
  readonly lane: string
}

export interface KeyedCallChecks {
  readonly cluster: ChaosCluster
  readonly random: Random
  readonly violations: Violations
  /** Calls that were refused or not answered, by call and reason. */
  readonly refused: Tally
  /** Receives the duration of each answered call, in milliseconds. */
  readonly recordAnswer: (tookMs: number) => void
  /** No call is repeated after it aborts. */
  readonly deadline: AbortSignal
}

/**
 * Creates a task with an idempotency key: sends the same call to random gateways until one answers that the task is
 * accepted, and then sometimes again. Every call must be answered in time, and all answers must name the same task.
 */
export async function createWithKey(call: KeyedCall, checks: KeyedCallChecks): Promise<TaskView | undefined> {
  const { random, violations, deadline } = checks
  let first: TaskView | undefined
  for (let calls = 0; calls < maxCalls && !deadline.aborted; calls += 1) {
    const task = await tryToCreate(call, checks)
    if (task === undefined) {
      await pause(random.between(200, 1000), deadline)
      continue
    }
    first ??= task
    if (task.id !== first.id) violations.add('duplicateTasks', `${call.key}: ${first.id} ${task.id}`)
    if (random.chance(0.6)) break
  }
  return first
}

/** One call; undefined when it was refused or not answered. */
async function tryToCreate(call: KeyedCall, checks: KeyedCallChecks): Promise<TaskView | undefined> {
  const { cluster, random, violations, refused, recordAnswer } = checks
  const { account, key, image, recipe, lane } = call
  const { name, url } = random.pick(cluster.gateways)
  const signal = AbortSignal.timeout(maxAnswerMs)
  const startedAt = performance.now()
  try {
    const response = await plainClient(url, tokenOf(account)).call('/api/v1/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ image, recipe, lane }),
      signal,
    })
    const body: unknown = await response.json()
    recordAnswer(performance.now() - startedAt)
    if (response.status === 202) return body as TaskView
    refused.add(`create with key ${(body as { code?: string }).code ?? response.status}`)
  } catch {
    // A killed gateway sends no answer.
    if (signal.aborted)
      violations.add(
        'lateAnswers',
        `${key}: no answer from ${name} for ${Math.round(performance.now() - startedAt)} ms`,
      )
    else refused.add('create with key disconnected')
  }
  return undefined
}
