import type { DeadLetter } from '@pixelflow/core/dead-letter'
import { job } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { UndeliverableJob, UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import { faultOf } from '../connection/fault-of.ts'
import type { Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { removeMessage } from '../jetstream/remove-message.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { pullContinuously } from '../jetstream/pull-continuously.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { advisoryConsumer } from '../topology/consumers.ts'
import { jobOfSubject } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

const request = {
  stream: streams.advisories,
  consumer: advisoryConsumer,
  batch: 1,
  expiresMs: 30_000,
  // A job that reached the delivery limit has been tried for minutes.
  heartbeatMs: 5000,
}
const redeliverAfterMs = 5000
/** The used fields of an advisory. */
interface Advisory {
  readonly consumer: string
  readonly stream_seq: number
  readonly deliveries: number
  readonly reason?: string
}

/**
 * Reads the broker's advisories, which a stream collects because the broker publishes each only once. A message that
 * reached the delivery limit stays in the queue and must be removed; a terminated one is already gone.
 */
export function createUndeliverableJobs(broker: Broker, clock: Clock, log: Logger): UndeliverableJobs {
  const parse = async (delivery: Delivery): Promise<UndeliverableJob | undefined> => {
    const advisory = parseAdvisory(delivery)
    if (!advisory) return undefined
    const isTerminated = delivery.subject.includes('MSG_TERMINATED')
    if (isTerminated && isRemoval(advisory)) return undefined
    const seq = advisory.stream_seq
    const stored = isTerminated ? null : await readFromLeader(broker, streams.jobs, { seq })
    // Settled meanwhile, or cancelled.
    if (stored === null && !isTerminated) return undefined
    const tokens = stored ? jobOfSubject(stored.subject) : unknownTokens(advisory)
    return {
      job: job.safeParse(tokens).data,
      deadLetter: deadLetterOf(tokens, advisory, isTerminated, new Date(clock.now())),
      async settle() {
        if (stored) await retryUnreachable(() => removeMessage(broker, streams.jobs, seq))
        await retryUnreachable(() => delivery.confirm())
      },
    }
  }

  return {
    async *follow(signal) {
      for await (const delivery of pullContinuously(broker, request, signal)) {
        let isSettled = false
        try {
          const job = await parse(delivery)
          if (job) {
            const settle = () => job.settle().then(() => void (isSettled = true))
            yield { ...job, settle }
          } else {
            delivery.ack()
            isSettled = true
          }
        } catch (thrown) {
          log.warn('undeliverable job not processed; redelivery scheduled', {
            subject: delivery.subject,
            error: faultOf(thrown),
          })
        } finally {
          if (!isSettled) delivery.nak(redeliverAfterMs)
        }
      }
    },
  }
}

function parseAdvisory({ data }: Delivery): Advisory | undefined {
  try {
    const found = JSON.parse(new TextDecoder().decode(data)) as Partial<Advisory>
    return typeof found.stream_seq === 'number' && typeof found.consumer === 'string'
      ? {
          ...found,
          consumer: found.consumer,
          stream_seq: found.stream_seq,
          deliveries: found.deliveries ?? 0,
        }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether the broker reports a delivered job as terminated because it was removed. Cancelling or deleting a task does this,
 * so it is not a failure.
 *
 * Compares a sentence, because the advisory has no field that tells a removal from a `+TERM` of an operator; it is the
 * constant `ackTermUnackedLimitsReason` of nats-server:
 * https://github.com/nats-io/nats-server/blob/v2.15.2/server/consumer.go#L418. No upstream issue is known. When the sentence
 * changes, or a field makes this unnecessary, the test "a job that is removed while an actor holds it is not dead-lettered"
 * in `actors/runtime/dead-letter-undeliverable.test.ts` shows it.
 */
function isRemoval({ reason }: Advisory): boolean {
  return reason === 'Unacknowledged message was deleted'
}

type Tokens = ReturnType<typeof jobOfSubject>

/** Tokens for a message that is gone: its account and task are unknown. */
function unknownTokens({ consumer, stream_seq: seq }: Advisory): Tokens {
  const [kind, lane] = consumer.split('-')
  return { kind, lane, account: '_', task: `seq-${seq}`, stage: '_' }
}

function deadLetterOf(
  tokens: Tokens,
  { consumer, deliveries, reason }: Advisory,
  isTerminated: boolean,
  at: Date,
): DeadLetter {
  const { kind = '_', lane = '_', account = '_', task = '_', stage = '_' } = tokens
  const fault = isTerminated
    ? ({ code: 'internal', detail: 'The job was removed from the queue before it ended.' } as const)
    : ({
        code: 'attempts_exhausted',
        detail: `The job was delivered ${deliveries} times, and every actor was lost before it ended.`,
        remedy: 'Try again later. If it fails again, the image may be too large for this service.',
      } as const)
  const internalCause = [
    `consumer ${consumer}`,
    `${deliveries} deliveries`,
    ...(reason ? [reason] : []),
  ].join(', ')
  const job = { kind, lane, account, task, stage }
  return { ...job, fault, internalCause, attempts: deliveries, createdAt: at.toISOString() }
}
