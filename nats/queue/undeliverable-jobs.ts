import type { DeadLetter } from '@pixelflow/core/dead-letter'
import { job } from '@pixelflow/core/job'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { UndeliverableJob, UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import { faultOf, type Broker } from '../connection/broker.ts'
import type { Delivery } from '../jetstream/delivery.ts'
import { readFromLeader, removeMessage } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { pull } from '../jetstream/pull.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { advisoryConsumer, jobOfSubject, streams } from '../topology/topology.ts'
import { waitForBroker } from '../connection/wait-for-broker.ts'

const request = { stream: streams.advisories, consumer: advisoryConsumer, batch: 1, expiresMs: 10_000 }
const againMs = 5000
/**
 * What the broker calls it when a job is removed that somebody holds, as every cancellation and every deletion does it:
 * nothing was given up then.
 */
const takenOut = 'Unacknowledged message was deleted'

/** As much of the broker's word as is used. */
interface Advisory {
  readonly consumer: string
  readonly stream_seq: number
  readonly deliveries: number
  readonly reason?: string
}

/**
 * The broker says once, to whoever listens, that it has given up a message; a stream listens always. Such a message
 * stays in the queue and is never handed out again, so it must be taken out; one that was terminated is gone already.
 */
export function createUndeliverableJobs(broker: Broker, clock: Clock, log: Logger): UndeliverableJobs {
  const lostOf = async (delivery: Delivery): Promise<UndeliverableJob | undefined> => {
    const advisory = advisoryOf(delivery)
    if (!advisory) return undefined
    const isTerminated = delivery.subject.includes('MSG_TERMINATED')
    if (isTerminated && advisory.reason === takenOut) return undefined
    const seq = advisory.stream_seq
    const stored = isTerminated ? null : await readFromLeader(broker, streams.jobs, { seq })
    // Settled after all, or cancelled.
    if (stored === null && !isTerminated) return undefined
    const tokens = stored ? jobOfSubject(stored.subject) : unknownJob(advisory)
    return {
      job: job.safeParse(tokens).data,
      letter: letterOf(tokens, advisory, isTerminated, new Date(clock.now())),
      async settle() {
        if (stored) await retryUnreachable(() => removeMessage(broker, streams.jobs, seq))
        await retryUnreachable(() => delivery.confirm())
      },
    }
  }

  return {
    async *follow(signal) {
      while (!signal.aborted) {
        let delivery: Delivery | undefined
        const one = pull(broker, request, (found) => (delivery = found))
        const leave = () => void one.withdraw()
        signal.addEventListener('abort', leave)
        if (signal.aborted) leave()
        const end = await one.ended
        signal.removeEventListener('abort', leave)
        if (end === 'disconnected' || end === 'refused') await waitForBroker(broker, signal)
        if (delivery === undefined) continue
        if (signal.aborted) return delivery.nak(0)
        let isSettled = false
        try {
          const lost = await lostOf(delivery)
          if (lost) {
            const settle = () => lost.settle().then(() => void (isSettled = true))
            yield { ...lost, settle }
          } else {
            delivery.ack()
            isSettled = true
          }
        } catch (thrown) {
          log.warn('lost job could not be looked at', { subject: delivery.subject, error: faultOf(thrown) })
        } finally {
          if (!isSettled) delivery.nak(againMs)
        }
      }
    },
  }
}

function advisoryOf({ data }: Delivery): Advisory | undefined {
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

type Tokens = ReturnType<typeof jobOfSubject>

/** The message is gone, and with it whose it was. */
function unknownJob({ consumer, stream_seq: seq }: Advisory): Tokens {
  const [kind, lane] = consumer.split('-')
  return { kind, lane, account: '_', task: `seq-${seq}`, stage: '_' }
}

function letterOf(
  tokens: Tokens,
  { consumer, deliveries, reason }: Advisory,
  isTerminated: boolean,
  at: Date,
): DeadLetter {
  const { kind = '_', lane = '_', account = '_', task = '_', stage = '_' } = tokens
  const report = isTerminated
    ? ({ code: 'internal', detail: 'The job was taken out of the queue unfinished.' } as const)
    : ({
        code: 'attempts_exhausted',
        detail: `The work was handed out ${deliveries} times, and each time whoever had it was lost.`,
        remedy: 'Try again later; if it ends the same way, the image may be more than this service can take.',
      } as const)
  const told = [`consumer ${consumer}`, `${deliveries} deliveries`, ...(reason ? [reason] : [])].join(', ')
  const cause = { report, private: told }
  return { kind, lane, account, task, stage, cause, attempts: deliveries, at: at.toISOString() }
}
