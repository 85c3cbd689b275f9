import { rm } from 'node:fs/promises'
import { pause } from '@pixelflow/core/pause'
import { consumersOf } from '@pixelflow/nats/topology/consumers'
import type { Broker } from '@pixelflow/nats/connection/broker'
import { createStream } from '@pixelflow/nats/jetstream/create-stream'
import { readStreamInfo } from '@pixelflow/nats/jetstream/read-stream-info'
import { streams } from '@pixelflow/nats/topology/streams'
import { blobBuckets, blobStream } from '@pixelflow/nats/topology/buckets'
import { blockWritesOf } from '@pixelflow/testkit/block-writes'
import type { Nats } from '@pixelflow/testkit/nats'
import { childrenOf } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { retryAny, type ChaosCluster, type ChaosProcess } from './chaos-cluster.ts'
import type { Random } from './random.ts'

const allStreams = [...Object.values(streams), ...Object.values(blobBuckets).map(blobStream)]

/** The step-down request for every stream and consumer leader. */
const stepDownRequests = ({ settings }: ChaosCluster) => [
  ...allStreams.map((stream) => `STREAM.LEADER.STEPDOWN.${stream}`),
  ...consumersOf(settings).map(
    ({ stream, config }) => `CONSUMER.LEADER.STEPDOWN.${stream}.${config.durable_name}`,
  ),
]

export interface FaultInjector {
  /** Number of injected faults by kind. */
  readonly counts: Readonly<Record<string, number>>
  /** Resolves when all faults are undone: every process runs again, and all replicas are current. */
  readonly undone: Promise<void>
}

/** Every kind of fault. */
export const faultKinds = [
  'killActor',
  'stopActor',
  'killWorker',
  'stopWorker',
  'killGateway',
  'endActor',
  'endGateway',
  'forgetGateway',
  'stopGateway',
  'killBroker',
  'stopBroker',
  'stopBrokers',
  'fillDisk',
  'setClock',
  'fillDisks',
  'stepDown',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Durations of a freeze, in milliseconds; the longest exceeds the lease of a job. */
const freezeMs = [500, 1500, 4000, 14_000] as const

/** Largest offset of a clock in either direction, in milliseconds. */
const maxClockOffsetMs = 2 * 3_600_000

/**
 * Injects a fault every 0.3 to 3 seconds until `signal` aborts. At most one broker is unavailable or lagging at a time,
 * because two of three must keep the service running; occasionally all are, and then every call must be answered with an
 * error. `only` selects the kinds of faults; empty means all.
 */
export function injectFaults(
  cluster: ChaosCluster,
  random: Random,
  { only, signal }: { only: readonly FaultKind[]; signal: AbortSignal },
): FaultInjector {
  const counts: Record<string, number> = {}
  const active = new Set<Promise<void>>()
  let isBrokerBusy = false

  const freeze = async (pid: number, ms: number) => {
    if (!sendSignal(pid, 'SIGSTOP')) return
    await pause(ms, signal)
    sendSignal(pid, 'SIGCONT')
  }
  const pickWorker = async (processes: readonly ChaosProcess[]) => {
    const { pid } = random.pick(processes).process
    const children = pid === undefined ? [] : await childrenOf(pid)
    return children.length === 0 ? undefined : random.pick(children)
  }
  const kill = async (processes: readonly ChaosProcess[], signal: NodeJS.Signals = 'SIGKILL') => {
    const { pid } = random.pick(processes).process
    if (pid !== undefined) sendSignal(pid, signal)
  }
  const stop = async (processes: readonly ChaosProcess[], maxMs: number) => {
    const { pid } = random.pick(processes).process
    const ms = random.pick(freezeMs.filter((one) => one <= maxMs))
    if (pid !== undefined) await freeze(pid, ms)
  }
  /** Affects one broker at a time: the next one only after this one has caught up. */
  const withBroker = async (affect: (nats: Nats) => Promise<void>) => {
    isBrokerBusy = true
    try {
      await affect(random.pick(cluster.brokers))
      await waitUntilReplicated(cluster)
    } finally {
      isBrokerBusy = false
    }
  }

  const kinds: Record<FaultKind, { weight: number; ofBroker?: true; run: () => Promise<void> }> = {
    killActor: { weight: 4, run: () => kill(cluster.actors) },
    stopActor: { weight: 3, run: () => stop(cluster.actors, 14_000) },
    killWorker: {
      weight: 4,
      run: async () => {
        const pid = await pickWorker(cluster.actors)
        if (pid !== undefined) sendSignal(pid, 'SIGKILL')
      },
    },
    stopWorker: {
      weight: 2,
      run: async () => {
        const pid = await pickWorker(cluster.actors)
        if (pid !== undefined) await freeze(pid, random.pick(freezeMs))
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
        sendSignal(process.pid, 'SIGKILL')
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
      run: () => withBroker((nats) => freeze(nats.pid, random.pick(freezeMs))),
    },
    // All at once: pending requests get no answer.
    stopBrokers: {
      weight: 1,
      ofBroker: true,
      run: async () => {
        const ms = random.pick(freezeMs)
        await withBroker(
          async () => void (await Promise.all(cluster.brokers.map(({ pid }) => freeze(pid, ms)))),
        )
      },
    },
    fillDisk: {
      weight: 2,
      ofBroker: true,
      run: () =>
        withBroker(async (nats) => {
          const unblockWrites = blockWritesOf(nats.pid)
          await pause(random.pick(diskFullMs), signal)
          unblockWrites()
          // A server that failed to write serves its streams again only after a restart.
          await nats.restart()
        }),
    },
    setClock: {
      weight: 3,
      run: () =>
        random
          .pick([...cluster.actors, ...cluster.gateways])
          .clock.set(random.between(-maxClockOffsetMs, maxClockOffsetMs)),
    },
    fillDisks: { weight: 2, ofBroker: true, run: () => withBroker(() => fillDisks(cluster, random, signal)) },
    stepDown: {
      weight: 3,
      run: async () => {
        const request = random.pick(stepDownRequests(cluster))
        await cluster.broker.request(`$JS.API.${request}`).catch(() => {})
      },
    },
  }
  const chosen = only.length === 0 ? faultKinds : only
  const weighted = chosen.flatMap((name) => Array<FaultKind>(kinds[name].weight).fill(name))

  const undone = (async () => {
    while (!signal.aborted) {
      await pause(random.between(300, 3000), signal)
      const name = random.pick(weighted)
      const fault = kinds[name]
      if (signal.aborted || (fault.ofBroker && isBrokerBusy)) continue
      counts[name] = (counts[name] ?? 0) + 1
      cluster.log.info('fault injected', { kind: name })
      const running: Promise<void> = fault.run().finally(() => {
        cluster.log.info('fault undone', { kind: name })
        active.delete(running)
      })
      active.add(running)
    }
    await Promise.all(active)
    await waitUntilReplicated(cluster)
  })()
  return { counts, undone }
}

interface StreamResponse {
  readonly error?: { readonly code: number; readonly description: string }
}

const fillerStream = 'FILLER'
const filler = new Uint8Array(512 * 1024)

/** How long a disk stays full, in milliseconds; the longest exceeds the time limit of a call. */
const diskFullMs = [500, 4000, 16_000] as const

/** Fills the storage limit of all brokers for a while: they report it and refuse writes. */
async function fillDisks({ broker }: ChaosCluster, random: Random, signal: AbortSignal): Promise<void> {
  try {
    await createStream(broker, {
      name: fillerStream,
      subjects: ['filler'],
      storage: 'file',
      num_replicas: 3,
    })
    for (let messages = 0; messages < 4096 && !signal.aborted; messages += 1) {
      const response = await broker.request('filler', filler)
      if (response.json<StreamResponse>().error) break
    }
    await pause(random.pick(diskFullMs), signal)
  } catch {
    // No leader, or no space for the request itself: the disks are full in either case.
  } finally {
    await retryAny(async () => {
      const { error } = (await broker.request(`$JS.API.STREAM.DELETE.${fillerStream}`)).json<StreamResponse>()
      if (error && error.code !== 404) throw new Error(error.description)
    })
  }
}

/** Resolves when all replicas are current. @throws Error when they are not within two minutes. */
export async function waitUntilReplicated({ broker }: ChaosCluster): Promise<void> {
  await waitFor(
    'all replicas current',
    async () => {
      // Each check sends a request for every stream, so it is repeated slowly.
      await pause(250)
      return findLaggingStreams(broker).catch(String)
    },
    (lagging) => lagging.length === 0,
    { timeoutMs: 120_000 },
  )
}

/** Names of the streams without a leader or with a replica that lags. */
async function findLaggingStreams(broker: Broker): Promise<string[]> {
  const infos = await Promise.all(allStreams.map((name) => readStreamInfo(broker, name)))
  return infos
    .filter(
      ({ cluster }) =>
        !cluster?.leader || cluster.replicas?.some(({ current, offline }) => !current || offline) !== false,
    )
    .map(({ config }) => config.name)
}

/** False when the process has exited. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
