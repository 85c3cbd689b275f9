import { pause } from '@pixelflow/core/pause'
import { createHash } from 'node:crypto'
import type { Entry } from './ledger.ts'
import type { GatewayClient } from './gateway-clients.ts'
import { again, allServe, startChaosCluster } from './chaos-cluster.ts'
import { createWrongs, each, endings, inspect, listed, type Standing } from './inspect.ts'
import { startLoad, createAccounts, type TestAccount } from './start-load.ts'
import { injectFaults } from './fault-injector.ts'
import { createRandom } from './random.ts'
import { restartAll } from './rolling-restart.ts'
import { deleteImages, findLeaks, locateJob } from './leak-check.ts'

export interface ChaosOptions {
  readonly minutes: number
  /** Seed of the fault schedule and of the clients; the timing of processes is not deterministic. */
  readonly seed: number
  readonly tasksPerSecond: number
  readonly actors: number
  /** Which kinds of faults; all when empty. */
  readonly acts: readonly string[]
  /** In place of it: every process is asked once to end, in turn. */
  readonly rolling: boolean
  readonly say: (text: string) => void
}

/** Time limit for all tasks to end after the last injected fault. */
const quietMs = 120_000
/** Time limit for deleted data to disappear: sweeps run at intervals. */
const emptyMs = 150_000
const MiB = 2 ** 20
/** Of one task, with all its events, its picture and what comes of it. */
const mostStoredBytes = 64 * 1024
const accounts = ['ann', 'bob', 'cleo']

export type Report = Awaited<ReturnType<typeof chaos>>

/** Puts a whole installation to the test, and tells what was found. Not zero in `wrong` is a bug. */
export async function chaos({ minutes, seed, tasksPerSecond, actors, acts, rolling, say }: ChaosOptions) {
  const random = createRandom(seed)
  await using scope = new AsyncDisposableStack()
  const storeBytes = 64 * MiB + Math.ceil(minutes * 60 * tasksPerSecond) * mostStoredBytes
  const cluster = scope.use(await startChaosCluster({ gateways: 2, actors, accounts, storeBytes }))
  say(`seed ${seed}; what the processes say is written to ${cluster.logFile}`)
  const testAccounts = await createAccounts(cluster, scope)
  const wrongs = createWrongs()

  const stop = new AbortController()
  const { signal } = stop
  const deadline = new AbortController()
  const faults = rolling
    ? restartAll(cluster, signal)
    : injectFaults(cluster, random.fork(), { only: acts, signal })
  const over = faults.over
    .then(() => allServe(cluster))
    .catch((thrown: unknown) => wrongs.add('notBack', String(thrown)))
  const loading = startLoad(cluster, testAccounts, { perSecond: tasksPerSecond, most: 200 }, random.fork(), {
    signal,
    deadline: deadline.signal,
    wrongs,
  })
  const begin = performance.now()
  if (rolling) await over
  else await pause(minutes * 60_000)
  stop.abort()
  const calmAt = performance.now()
  say(`calm after ${JSON.stringify(faults.done)}`)
  const clock = setTimeout(() => deadline.abort(), quietMs)
  const [{ entries, refused, slowestAnswerMs }] = await Promise.all([loading, over])
  // A client without a reachable gateway retries only after some seconds.
  await each(
    testAccounts.flatMap(({ clients }) => clients),
    ({ client }) => again(() => client.taskPage({ limit: 1 })),
  )
  say(`${entries.length} tasks accepted; followers are done`)
  const customerOf = new Map(testAccounts.map((one) => [one.account, one]))
  const gatewayClientsOf = (account: string) => (customerOf.get(account) as TestAccount).clients

  // Accepted, but the answer never came.
  const known = new Set(entries.map((one) => one.task))
  const untold = (await each(testAccounts, (one) => listed(one, wrongs, deadline.signal)))
    .flat()
    .filter(({ id, createdAt }) => !known.has(id) && Date.parse(createdAt) > performance.timeOrigin + begin)
  clearTimeout(clock)
  const quietAfterMs = Math.round(performance.now() - calmAt)
  for (const { id, status } of untold)
    if (status === 'queued' || status === 'running') wrongs.add('lost', `${id}: still ${status}, untold`)
  const standing = await each(entries, (entry) =>
    inspect(entry, gatewayClientsOf(entry.account).slice(0, 4), wrongs),
  )
  for (const task of standing)
    if (task?.status === 'queued' || task?.status === 'running')
      say(`${task.id} is ${task.status}: ${await locateJob(cluster, task.id)}`)
  const { ends, reasons } = endings([...standing, ...untold])

  const swept = await cluster.adapters.sweeper.sweep(AbortSignal.timeout(120_000))
  await each(pairs(entries, standing), async ([entry, task]) => {
    if (task.status !== 'completed') return
    const digest = await digestOf(random.pick(gatewayClientsOf(entry.account)), task.id).catch(String)
    if (digest !== task.outputs[0]?.sha256) wrongs.add('wrongBytes', `${task.id}: ${digest}`)
  })

  say('everything is deleted and swept')
  for (const { clients } of testAccounts) {
    const { client } = clients[0] as GatewayClient
    await each(await Array.fromAsync(client.tasks({ limit: 200 })), ({ id }) => client.deleteTask(id))
  }
  const imagesLeft = await deleteImages(cluster, AbortSignal.timeout(60_000))
  const leaks = await findLeaks(cluster, AbortSignal.timeout(emptyMs))
  for (const { what, where, amount } of leaks) wrongs.add(what, where, amount)

  if (!wrongs.isNone)
    for (const { port, log } of cluster.brokers) cluster.log.info('said by a broker', { port, text: log() })
  const followers = (await Promise.all(entries.map((one) => Promise.all(one.followers)))).flat()
  return {
    seed,
    seconds: Math.round((calmAt - begin) / 1000),
    accepted: entries.length + untold.length,
    untold: untold.length,
    completed: ends.all['completed'] ?? 0,
    failed: ends.all['failed'] ?? 0,
    cancelled: ends.all['cancelled'] ?? 0,
    deleted: ends.all['deleted'] ?? 0,
    failedWith: reasons.all,
    followers: followers.length,
    connections: followers.reduce((sum, one) => sum + one.connections, 0),
    events: followers.reduce((sum, one) => sum + one.events.length, 0),
    refused: refused.all,
    slowestAnswerMs,
    faults: faults.done,
    quietAfterMs,
    swept,
    imagesLeft,
    wrong: wrongs.counts,
    examples: wrongs.examples,
  }
}

type Found = [Entry, NonNullable<Standing>]

function pairs(entries: readonly Entry[], standing: readonly Standing[]): Found[] {
  return entries.flatMap((entry, n): Found[] => {
    const task = standing[n]
    return task ? [[entry, task]] : []
  })
}

async function digestOf({ client }: GatewayClient, task: string): Promise<string> {
  const { body } = await client.download({ task })
  const hash = createHash('sha256')
  for await (const piece of body) hash.update(piece)
  return hash.digest('hex')
}
