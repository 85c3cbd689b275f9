import { Fault } from '@pixelflow/core/fault'
import {
  consumerNotFound,
  JetStreamError,
  streamNameTaken,
  streamNotFound,
} from '../connection/jet-stream-error.ts'
import { NoResponders, Unreachable } from '../connection/unreachable.ts'
import type { Broker } from '../connection/broker.ts'
import { consumersOf, type Consumer } from './consumers.ts'
import { readAccountInfo } from '../jetstream/read-account-info.ts'
import { readConsumerInfo, ensureConsumer } from '../jetstream/read-consumer-info.ts'
import { createStream, updateStream } from '../jetstream/create-stream.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { apiLevel, streamsOf, type Layout, type Stream } from './streams.ts'

/**
 * Creates or updates every stream and consumer of the layout. Idempotent; any number of processes may run it at once.
 * @throws Fault `unavailable` when the broker is too old, has no JetStream, or has a stream that cannot be updated.
 */
export async function bootstrap(broker: Broker, layout: Layout): Promise<void> {
  await requireAbilities(broker)
  for (const stream of streamsOf(layout)) {
    await retryUnreachable(() => ensureStream(broker, stream), stepRetry).catch((cause: unknown) => {
      throw unsuitable(`stream ${stream.name}`, cause)
    })
  }
  for (const { stream, config } of consumersOf(layout)) {
    const ensure = async () => {
      // Every process runs this at every connect, and an update starts a new consensus round in the cluster.
      if (await hasConsumer(broker, stream, config)) return
      await ensureConsumer(broker, stream, config)
    }
    await retryUnreachable(ensure, stepRetry).catch((cause: unknown) => {
      throw unsuitable(`consumer ${config.durable_name} of stream ${stream}`, cause)
    })
  }
}

/** Servers of a new cluster lose requests during leader elections, so each step is retried. */
const stepRetry = { timeoutMs: 60_000 }
/** A server accepts connections before its JetStream has started; a cluster elects a leader first. */
const startTimeoutMs = 3000

async function requireAbilities(broker: Broker): Promise<void> {
  const begin = performance.now()
  await retryUnreachable(async () => {
    try {
      await readAccountInfo(broker)
    } catch (thrown) {
      const isDisabled =
        thrown instanceof JetStreamError ||
        (thrown instanceof NoResponders && performance.now() - begin > startTimeoutMs)
      throw isDisabled ? withoutJetStream(thrown) : thrown
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
      // Another process with other settings has created it.
      if (!(thrown instanceof JetStreamError) || thrown.code !== streamNameTaken) throw thrown
      await updateStream(broker, wanted)
    })
  } else if (differs(wanted, found)) {
    await updateStream(broker, { ...found, ...wanted })
  }
}

async function existing(broker: Broker, name: string) {
  try {
    return (await readStreamInfo(broker, name)).config
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === streamNotFound) return undefined
    throw thrown
  }
}

async function hasConsumer(broker: Broker, stream: string, wanted: Consumer): Promise<boolean> {
  try {
    return !differs(wanted, (await readConsumerInfo(broker, stream, wanted.durable_name)).config)
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === consumerNotFound) return false
    throw thrown
  }
}

/** Whether a setting of `wanted` differs in `found`. Settings that `wanted` leaves out do not count. */
function differs(wanted: object, found: object): boolean {
  const actual = found as Record<string, unknown>
  return Object.entries(wanted).some(([key, value]) => !Bun.deepEquals(actual[key], value))
}

function unsuitable(what: string, cause: unknown): Fault {
  const isKnown = cause instanceof JetStreamError || cause instanceof Unreachable
  const why = isKnown ? ` (${cause.message})` : ''
  return new Fault('unavailable', `The ${what} cannot be set up${why}.`, {
    remedy:
      'Check the permissions and limits of this NATS account, and whether another program uses a stream of that name.',
    cause,
  })
}

function withoutJetStream(cause: unknown): Fault {
  return new Fault('unavailable', 'JetStream is not enabled on the NATS server, or not for this account.', {
    remedy: 'Start nats-server with -js, or set jetstream in its configuration.',
    cause,
  })
}
