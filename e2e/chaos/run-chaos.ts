import { pause } from '@pixelflow/core/pause'
import { createHash } from 'node:crypto'
import { mapConcurrently } from '../map-concurrently.ts'
import type { GatewayClient } from './gateway-clients.ts'
import { retryAny, startChaosCluster, waitUntilReady } from './chaos-cluster.ts'
import { inspectTask, type InspectedTask } from './inspect-task.ts'
import { createTally, type LedgerEntry, type Tally } from './ledger.ts'
import { readTaskLists } from './read-task-lists.ts'
import { startLoad, createAccounts, type TestAccount } from './start-load.ts'
import { injectFaults, type FaultKind } from './fault-injector.ts'
import { createRandom } from './random.ts'
import { startRollingRestart } from './rolling-restart.ts'
import { deleteImages, findLeaks, locateJob } from './find-leaks.ts'
import { createViolations } from './violations.ts'

export interface ChaosOptions {
  readonly minutes: number
  /** Seed of the fault schedule and of the clients; the timing of processes is not deterministic. */
  readonly seed: number
  readonly tasksPerSecond: number
  readonly actors: number
  /** Kinds of faults to inject; all when empty. */
  readonly faults: readonly FaultKind[]
  /** Restarts every process once, in turn, instead of injecting faults. */
  readonly rolling: boolean
  readonly say: (text: string) => void
}

/** Time limit for all tasks to end after the last injected fault. */
const quietMs = 120_000
/** Time limit for deleted data to disappear: sweeps run at intervals. */
const emptyMs = 150_000
/** Calls at the same time while the results are inspected. */
const concurrency = 8
const MiB = 2 ** 20
/** Upper estimate of what one task stores: its events, its image and its outputs. */
const storedBytesPerTask = 64 * 1024
const accounts = ['ann', 'bob', 'cleo']

export type ChaosReport = Awaited<ReturnType<typeof runChaos>>

/** Runs a complete installation under load and faults, and reports every violation. A violation is a bug. */
export async function runChaos({
  minutes,
  seed,
  tasksPerSecond,
  actors,
  faults,
  rolling,
  say,
}: ChaosOptions) {
  const random = createRandom(seed)
  await using scope = new AsyncDisposableStack()
  const storeBytes = 64 * MiB + Math.ceil(minutes * 60 * tasksPerSecond) * storedBytesPerTask
  const cluster = scope.use(await startChaosCluster({ gateways: 2, actors, accounts, storeBytes }))
  say(`seed ${seed}; log of all processes: ${cluster.logFile}`)
  const testAccounts = await createAccounts(cluster, scope)
  const violations = createViolations()

  const stop = new AbortController()
  const { signal } = stop
  const deadline = new AbortController()
  const injector = rolling
    ? startRollingRestart(cluster, signal)
    : injectFaults(cluster, random.fork(), { only: faults, signal })
  const faultsUndone = injector.undone
    .then(() => waitUntilReady(cluster))
    .catch((thrown: unknown) => violations.add('notRestarted', String(thrown)))
  const loading = startLoad(
    cluster,
    testAccounts,
    { perSecond: tasksPerSecond, maxConcurrent: 200 },
    random.fork(),
    { signal, deadline: deadline.signal, violations },
  )
  const startedAt = performance.now()
  if (rolling) await faultsUndone
  else await pause(minutes * 60_000)
  stop.abort()
  const lastFaultAt = performance.now()
  say(`last fault injected; faults so far: ${JSON.stringify(injector.counts)}`)
  const quietTimer = setTimeout(() => deadline.abort(), quietMs)
  const [{ entries, refused, slowestAnswerMs }] = await Promise.all([loading, faultsUndone])
  // A client without a reachable gateway retries only after some seconds.
  await mapConcurrently(
    testAccounts.flatMap(({ clients }) => clients),
    concurrency,
    ({ client }) => retryAny(() => client.taskPage({ limit: 1 })),
  )
  say(`${entries.length} tasks accepted; all followers have ended`)
  const accountByName = new Map(testAccounts.map((one) => [one.account, one]))
  const clientsOf = (account: string) => (accountByName.get(account) as TestAccount).clients

  // Tasks that were accepted, but whose answer was lost.
  const knownTasks = new Set(entries.map((one) => one.task))
  const unanswered = (
    await mapConcurrently(testAccounts, concurrency, (one) => readTaskLists(one, violations, deadline.signal))
  )
    .flat()
    .filter(
      ({ id, createdAt }) =>
        !knownTasks.has(id) && Date.parse(createdAt) > performance.timeOrigin + startedAt,
    )
  clearTimeout(quietTimer)
  const quietAfterMs = Math.round(performance.now() - lastFaultAt)
  for (const { id, status } of unanswered)
    if (status === 'queued' || status === 'running')
      violations.add('lostTasks', `${id}: still ${status}; its creation was never answered`)
  const inspected = await mapConcurrently(entries, concurrency, (entry) =>
    inspectTask(entry, clientsOf(entry.account).slice(0, 4), violations),
  )
  for (const task of inspected)
    if (task?.status === 'queued' || task?.status === 'running')
      say(`${task.id} is ${task.status}: ${await locateJob(cluster, task.id)}`)
  const { ends, faultCodes } = countEnds([...inspected, ...unanswered])

  const swept = await cluster.adapters.sweeper.sweep(AbortSignal.timeout(120_000))
  await mapConcurrently(withTasks(entries, inspected), concurrency, async ([entry, task]) => {
    if (task.status !== 'completed') return
    const digest = await downloadDigest(random.pick(clientsOf(entry.account)), task.id).catch(String)
    if (digest !== task.outputs[0]?.sha256) violations.add('wrongBytes', `${task.id}: ${digest}`)
  })

  say('deleting and sweeping everything')
  for (const { clients } of testAccounts) {
    const { client } = clients[0] as GatewayClient
    await mapConcurrently(await Array.fromAsync(client.tasks({ limit: 200 })), concurrency, ({ id }) =>
      client.deleteTask(id),
    )
  }
  const imagesDeleted = await deleteImages(cluster, AbortSignal.timeout(60_000))
  const leaks = await findLeaks(cluster, AbortSignal.timeout(emptyMs))
  for (const { kind, where, amount } of leaks) violations.add(kind, where, amount)

  if (!violations.isEmpty)
    for (const { port, log } of cluster.brokers) cluster.log.info('broker log', { port, text: log() })
  const followed = (await Promise.all(entries.map((one) => Promise.all(one.followers)))).flat()
  return {
    seed,
    seconds: Math.round((lastFaultAt - startedAt) / 1000),
    accepted: entries.length + unanswered.length,
    unanswered: unanswered.length,
    completed: ends.counts['completed'] ?? 0,
    failed: ends.counts['failed'] ?? 0,
    cancelled: ends.counts['cancelled'] ?? 0,
    deleted: ends.counts['deleted'] ?? 0,
    failedWith: faultCodes.counts,
    followers: followed.length,
    connections: followed.reduce((sum, one) => sum + one.connections, 0),
    events: followed.reduce((sum, one) => sum + one.events.length, 0),
    refused: refused.counts,
    slowestAnswerMs,
    faults: injector.counts,
    quietAfterMs,
    swept,
    imagesDeleted,
    violations: violations.counts,
    examples: violations.examples,
  }
}

type EntryWithTask = [LedgerEntry, NonNullable<InspectedTask>]

function withTasks(entries: readonly LedgerEntry[], inspected: readonly InspectedTask[]): EntryWithTask[] {
  return entries.flatMap((entry, n): EntryWithTask[] => {
    const task = inspected[n]
    return task ? [[entry, task]] : []
  })
}

/** Counts how tasks have ended, and with which fault codes. */
function countEnds(inspected: readonly InspectedTask[]): { ends: Tally; faultCodes: Tally } {
  const [ends, faultCodes] = [createTally(), createTally()]
  for (const one of inspected) {
    ends.add(one?.status ?? 'deleted')
    if (one?.status === 'failed') faultCodes.add(one.fault?.code ?? 'none')
  }
  return { ends, faultCodes }
}

async function downloadDigest({ client }: GatewayClient, task: string): Promise<string> {
  const { body } = await client.download({ task })
  const hash = createHash('sha256')
  for await (const piece of body) hash.update(piece)
  return hash.digest('hex')
}
