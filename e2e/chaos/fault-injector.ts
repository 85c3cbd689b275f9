import { rm } from 'node:fs/promises'
import { pause } from '@pixelflow/core/pause'
import { consumersOf } from '@pixelflow/nats/topology/consumers'
import { createStream, streamInfo } from '@pixelflow/nats/jetstream/jetstream-api'
import { streams, blobBuckets, blobStream } from '@pixelflow/nats/topology/topology'
import { blockWritesOf } from '@pixelflow/testkit/block-writes'
import type { Nats } from '@pixelflow/testkit/nats'
import { childrenOf } from '@pixelflow/testkit/process'
import { again, type ChaosCluster, type Member } from './chaos-cluster.ts'
import type { Random } from './random.ts'

const allStreams = [...Object.values(streams), ...Object.values(blobBuckets).map(blobStream)]

/** The step-down request of every stream and consumer leader. */
const leaders = ({ settings }: ChaosCluster) => [
  ...allStreams.map((stream) => `STREAM.LEADER.STEPDOWN.${stream}`),
  ...consumersOf(settings).map(
    ({ stream, config }) => `CONSUMER.LEADER.STEPDOWN.${stream}.${config.durable_name}`,
  ),
]

export interface FaultInjector {
  /** Number of injected faults by kind. */
  readonly done: Readonly<Record<string, number>>
  /** Resolves when all faults are undone: every process runs again, and the brokers agree. */
  readonly over: Promise<void>
}

/** How long a process is frozen, in milliseconds; the longest exceeds the lease of a job. */
const stops = [500, 1500, 4000, 14_000] as const

/** How far a clock may be set forward or back, in milliseconds. */
const mostClockMs = 2 * 3_600_000

/**
 * Injects a fault every 0.3 to 3 seconds until `signal` aborts. At most one broker is unavailable or lagging at a time,
 * because two of three must keep the service running; occasionally all are, and then every call must be answered with an
 * error. `only` selects the kinds of faults; empty means all.
 */
export function injectFaults(
  cluster: ChaosCluster,
  random: Random,
  { only, signal }: { only: readonly string[]; signal: AbortSignal },
): FaultInjector {
  const done: Record<string, number> = {}
  const under = new Set<Promise<void>>()
  let brokerBusy = false

  const halt = async (pid: number, ms: number) => {
    if (!send(pid, 'SIGSTOP')) return
    await pause(ms, signal)
    send(pid, 'SIGCONT')
  }
  const child = async (members: readonly Member[]) => {
    const { pid } = random.pick(members).process
    const children = pid === undefined ? [] : await childrenOf(pid)
    return children.length === 0 ? undefined : random.pick(children)
  }
  const kill = async (members: readonly Member[], by: NodeJS.Signals = 'SIGKILL') => {
    const { pid } = random.pick(members).process
    if (pid !== undefined) send(pid, by)
  }
  const stop = async (members: readonly Member[], most: number) => {
    const { pid } = random.pick(members).process
    const ms = random.pick(stops.filter((one) => one <= most))
    if (pid !== undefined) await halt(pid, ms)
  }
  /** One broker at a time; the next one only after it has caught up. */
  const withBroker = async (act: (nats: Nats) => Promise<void>) => {
    brokerBusy = true
    try {
      await act(random.pick(cluster.brokers))
      await agreed(cluster)
    } finally {
      brokerBusy = false
    }
  }

  const acts: Record<string, { weight: number; ofBroker?: true; run: () => Promise<void> }> = {
    killActor: { weight: 4, run: () => kill(cluster.actors) },
    stopActor: { weight: 3, run: () => stop(cluster.actors, 14_000) },
    killChild: {
      weight: 4,
      run: async () => {
        const pid = await child(cluster.actors)
        if (pid !== undefined) send(pid, 'SIGKILL')
      },
    },
    stopChild: {
      weight: 2,
      run: async () => {
        const pid = await child(cluster.actors)
        if (pid !== undefined) await halt(pid, random.pick(stops))
      },
    },
    killGateway: { weight: 3, run: () => kill(cluster.gateways) },
    endActor: { weight: 1, run: () => kill(cluster.actors, 'SIGTERM') },
    endGateway: { weight: 1, run: () => kill(cluster.gateways, 'SIGTERM') },
    forgetGateway: {
      weight: 1,
      run: async () => {
        const { process, dataDir } = random.pick(cluster.gateways)
        if (process.pid === undefined) return
        send(process.pid, 'SIGKILL')
        await rm(dataDir, { recursive: true, force: true })
      },
    },
    stopGateway: { weight: 2, run: () => stop(cluster.gateways, 4000) },
    killBroker: {
      weight: 2,
      ofBroker: true,
      run: () =>
        withBroker(async (nats) => {
          await nats.kill9()
          await pause(random.between(200, 4000), signal)
          await nats.restart()
        }),
    },
    stopBroker: {
      weight: 2,
      ofBroker: true,
      run: () => withBroker((nats) => halt(nats.pid, random.pick(stops))),
    },
    // All at once: pending requests get no answer.
    stopBrokers: {
      weight: 1,
      ofBroker: true,
      run: async () => {
        const ms = random.pick(stops)
        await withBroker(
          async () => void (await Promise.all(cluster.brokers.map(({ pid }) => halt(pid, ms)))),
        )
      },
    },
    fillDisk: {
      weight: 2,
      ofBroker: true,
      run: () =>
        withBroker(async (nats) => {
          const makeRoom = blockWritesOf(nats.pid)
          await pause(random.pick(fullMs), signal)
          makeRoom()
          // A server that failed to write serves its streams again only after a restart.
          await nats.restart()
        }),
    },
    setClock: {
      weight: 3,
      run: () =>
        random
          .pick([...cluster.actors, ...cluster.gateways])
          .clock.set(random.between(-mostClockMs, mostClockMs)),
    },
    fillDisks: { weight: 2, ofBroker: true, run: () => withBroker(() => fillDisks(cluster, random, signal)) },
    stepDown: {
      weight: 3,
      run: async () => {
        const what = random.pick(leaders(cluster))
        await cluster.broker.request(`$JS.API.${what}`).catch(() => {})
      },
    },
  }
  const chosen = Object.entries(acts).filter(([name]) => only.length === 0 || only.includes(name))
  if (chosen.length === 0)
    throw new Error(`Unknown fault ${only.join(', ')}. Name one or more of ${Object.keys(acts).join(', ')}.`)
  const deck = chosen.flatMap(([name, { weight }]) => Array<string>(weight).fill(name))

  const over = (async () => {
    while (!signal.aborted) {
      await pause(random.between(300, 3000), signal)
      const name = random.pick(deck)
      const act = acts[name]
      if (signal.aborted || act === undefined || (act.ofBroker && brokerBusy)) continue
      done[name] = (done[name] ?? 0) + 1
      cluster.log.info('fault injected', { act: name })
      const running: Promise<void> = act.run().finally(() => {
        cluster.log.info('fault undone', { act: name })
        under.delete(running)
      })
      under.add(running)
    }
    await Promise.all(under)
    await agreed(cluster)
  })()
  return { done, over }
}

interface Answer {
  readonly error?: { readonly code: number; readonly description: string }
}

const ballast = 'BALLAST'
const lump = new Uint8Array(512 * 1024)

/** How long the disks stay full, in milliseconds; the longest exceeds the time limit of a call. */
const fullMs = [500, 4000, 16_000] as const

/** Fills the storage limit of all brokers for a while: they report it and refuse writes. */
async function fillDisks({ broker }: ChaosCluster, random: Random, signal: AbortSignal): Promise<void> {
  try {
    await createStream(broker, { name: ballast, subjects: ['ballast'], storage: 'file', num_replicas: 3 })
    for (let lumps = 0; lumps < 4096 && !signal.aborted; lumps += 1) {
      const answer = await broker.request('ballast', lump)
      if (answer.json<Answer>().error) break
    }
    await pause(random.pick(fullMs), signal)
  } catch {
    // No leader, or no space for the request itself: the disks are full in either case.
  } finally {
    await again(async () => {
      const { error } = (await broker.request(`$JS.API.STREAM.DELETE.${ballast}`)).json<Answer>()
      if (error && error.code !== 404) throw new Error(error.description)
    })
  }
}

/** Resolves when all replicas are current. @throws Error when they are not within two minutes. */
export async function agreed({ broker }: ChaosCluster): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    try {
      const infos = await Promise.all(allStreams.map((name) => streamInfo(broker, name)))
      const behind = infos.filter(
        ({ cluster }) =>
          !cluster?.leader || cluster.replicas?.some(({ current, offline }) => !current || offline) !== false,
      )
      if (behind.length === 0) return
      if (Date.now() > deadline)
        throw new Disagreement(`Brokers still differ on ${behind.map((one) => one.config.name).join(', ')}.`)
    } catch (thrown) {
      if (thrown instanceof Disagreement || Date.now() > deadline) throw thrown
    }
    await Bun.sleep(250)
  }
}

class Disagreement extends Error {}

/** False when the process has exited. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
