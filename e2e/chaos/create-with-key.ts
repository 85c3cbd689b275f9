import type { TaskView } from '@pixelflow/client'
import { pause } from '@pixelflow/core/pause'
import { client as plainClient } from '../client.ts'
import type { Tally } from './ledger.ts'
import { tokenOf, type ChaosCluster } from './chaos-cluster.ts'
import type { Wrongs } from './inspect.ts'
import type { Random } from './random.ts'

/** Longer than any call may take: 20 s, whatever the brokers do, and the longest stop of a gateway itself (`stopGateway`). */
const longestAnswerMs = 24_000
/** Calls with one key are made at most so often. */
const mostCalls = 60

export interface KeyedCall {
  readonly account: string
  readonly key: string
  readonly image: string
  readonly recipe: string
  readonly lane: string
}

export interface Checks {
  readonly cluster: ChaosCluster
  readonly random: Random
  readonly wrongs: Wrongs
  /** Calls that were refused or never answered, by what and why. */
  readonly refused: Tally
  /** Told how long each answer took, in milliseconds. */
  readonly answered: (tookMs: number) => void
  /** Nothing is repeated any more once it aborts. */
  readonly deadline: AbortSignal
}

/**
 * Makes a call with an idempotency key, through any gateway and without a client that tries again, until one says that the
 * task is accepted; then sometimes once more. Every answer has to come in time, and all have to name the same task.
 */
export async function createWithKey(call: KeyedCall, checks: Checks): Promise<TaskView | undefined> {
  const { random, wrongs, deadline } = checks
  let first: TaskView | undefined
  for (let calls = 0; calls < mostCalls && !deadline.aborted; calls += 1) {
    const task = await once(call, checks)
    if (task === undefined) {
      await pause(random.between(200, 1000), deadline)
      continue
    }
    first ??= task
    if (task.id !== first.id) wrongs.add('doubledTasks', `${call.key}: ${first.id} ${task.id}`)
    if (random.chance(0.6)) break
  }
  return first
}

async function once(call: KeyedCall, checks: Checks): Promise<TaskView | undefined> {
  const { cluster, random, wrongs, refused, answered } = checks
  const { account, key, image, recipe, lane } = call
  const { name, url } = random.pick(cluster.gateways)
  const signal = AbortSignal.timeout(longestAnswerMs)
  const begun = performance.now()
  try {
    const response = await plainClient(url, tokenOf(account)).call('/api/v1/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ image, recipe, lane }),
      signal,
    })
    const body: unknown = await response.json()
    answered(performance.now() - begun)
    if (response.status === 202) return body as TaskView
    refused.add(`create with key ${(body as { code?: string }).code ?? response.status}`)
  } catch {
    // A killed gateway sends no answer.
    if (signal.aborted)
      wrongs.add(
        'lateAnswers',
        `${key}: ${name} said nothing for ${Math.round(performance.now() - begun)} ms`,
      )
    else refused.add('create with key disconnected')
  }
  return undefined
}
