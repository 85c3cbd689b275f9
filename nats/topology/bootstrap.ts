import { Fault } from '@pixelflow/core/fault'
import {
  consumerNotFound,
  NoResponders,
  JetStreamError,
  streamNameTaken,
  streamNotFound,
  type Broker,
} from '../connection/broker.ts'
import { consumersOf, type Consumer } from './consumers.ts'
import {
  accountInfo,
  consumerInfo,
  createStream,
  ensureConsumer,
  streamInfo,
  updateStream,
} from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { apiLevel, streamsOf, type Layout, type Stream } from './topology.ts'

/**
 * Brings the broker to the layout of `topology.ts`. Any number of processes may do this at once and again.
 * @throws Fault `unavailable` when the broker is too old, has no JetStream, or holds a stream that cannot be changed
 * to what we need.
 */
export async function bootstrap(broker: Broker, layout: Layout): Promise<void> {
  await requireAbilities(broker)
  for (const stream of streamsOf(layout)) {
    await retryUnreachable(() => ensureStream(broker, stream), settling).catch((cause: unknown) => {
      throw unsuitable(`stream ${stream.name}`, cause)
    })
  }
  for (const { stream, config } of consumersOf(layout)) {
    const ensure = async () => {
      // Every process does this at every connection; saying it anew makes the servers agree on it anew.
      if (await hasConsumer(broker, stream, config)) return
      await ensureConsumer(broker, stream, config)
    }
    await retryUnreachable(ensure, settling).catch((cause: unknown) => {
      throw unsuitable(`consumer ${config.durable_name} of stream ${stream}`, cause)
    })
  }
}

/** Servers of a cluster that have just met lose requests while they elect: each step is asked for several times. */
const settling = { timeoutMs: 60_000 }
/** A server that is just starting takes connections before its JetStream is up; a cluster first elects a leader. */
const startingMs = 3000

async function requireAbilities(broker: Broker): Promise<void> {
  const begin = performance.now()
  await retryUnreachable(async () => {
    try {
      await accountInfo(broker)
    } catch (thrown) {
      const isOff =
        thrown instanceof JetStreamError ||
        (thrown instanceof NoResponders && performance.now() - begin > startingMs)
      throw isOff ? withoutJetStream(thrown) : thrown
    }
  })
  const { info } = broker.nc
  if ((info?.api_lvl ?? 0) < apiLevel) {
    throw new Fault('unavailable', `The NATS server ${info?.version} is too old.`, {
      remedy: 'Use nats-server 2.12 or newer.',
    })
  }
}

async function ensureStream(broker: Broker, wanted: Stream): Promise<void> {
  const found = await existing(broker, wanted.name)
  if (found === undefined) {
    await createStream(broker, wanted).catch(async (thrown: unknown) => {
      // Another process, with other settings, was faster.
      if (!(thrown instanceof JetStreamError) || thrown.code !== streamNameTaken) throw thrown
      await updateStream(broker, wanted)
    })
  } else if (differs(wanted, found)) {
    await updateStream(broker, { ...found, ...wanted })
  }
}

async function existing(broker: Broker, name: string) {
  try {
    return (await streamInfo(broker, name)).config
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === streamNotFound) return undefined
    throw thrown
  }
}

async function hasConsumer(broker: Broker, stream: string, wanted: Consumer): Promise<boolean> {
  try {
    return !differs(wanted, (await consumerInfo(broker, stream, wanted.durable_name)).config)
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === consumerNotFound) return false
    throw thrown
  }
}

/** Whether any setting that we state is another one there; what we do not state is the broker's business. */
function differs(wanted: object, found: object): boolean {
  const there = found as Record<string, unknown>
  return Object.entries(wanted).some(([key, value]) => !Bun.deepEquals(there[key], value))
}

function unsuitable(what: string, cause: unknown): Fault {
  const why = cause instanceof JetStreamError ? ` (${cause.message})` : ''
  return new Fault('unavailable', `The ${what} cannot be set up as PixelFlow needs it${why}.`, {
    remedy: 'Check the permissions and limits of this NATS account, and who else uses a stream of that name.',
    cause,
  })
}

function withoutJetStream(cause: unknown): Fault {
  return new Fault('unavailable', 'The NATS server runs without JetStream, or not for this account.', {
    remedy: 'Start it with -js, or set jetstream in its configuration.',
    cause,
  })
}
