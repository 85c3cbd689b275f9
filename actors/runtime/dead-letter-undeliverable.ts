import { isFinal } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events } from '@pixelflow/core/ports/events'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { UndeliverableJob, UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createTaskReporter, type FlushResult } from './task-reporter.ts'

export interface DeadLetterUndeliverableOptions {
  readonly leaderElection: LeaderElection
  readonly undeliverableJobs: UndeliverableJobs
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly events: Events
  readonly log: Logger
}

/**
 * Dead-letters jobs that the queue delivered too often, and fails their tasks. No attempt counted these deliveries, so no
 * attempt could end the task. One elected process does this for all; doing it twice is harmless. Runs until `signal`
 * aborts; never rejects.
 */
export function deadLetterUndeliverable(
  options: DeadLetterUndeliverableOptions,
  signal: AbortSignal,
): Promise<void> {
  const { leaderElection, undeliverableJobs, log } = options
  return leaderElection.campaign(
    'dead-letterer',
    async (lost) => {
      for await (const job of undeliverableJobs.follow(lost)) {
        const { account, task, attempts } = job.deadLetter
        try {
          const isSettled = await deadLetter(options, job)
          if (isSettled) log.error('undeliverable job dead-lettered', { account, task, deliveries: attempts })
          else log.warn('undeliverable job not yet dead-lettered', { account, task })
        } catch (error) {
          log.warn('undeliverable job not yet dead-lettered', { account, task, error })
        }
      }
    },
    signal,
  )
}

/** Resolves with false when an attempt wrote meanwhile: the job is then delivered again. */
async function deadLetter(options: DeadLetterUndeliverableOptions, job: UndeliverableJob): Promise<boolean> {
  await options.deadLetters.put(job.deadLetter)
  if (job.job && (await failTask(options.events, job)) === 'superseded') return false
  await job.settle()
  return true
}

async function failTask(events: Events, { deadLetter }: UndeliverableJob): Promise<FlushResult> {
  try {
    const last = await events.last(deadLetter.account, deadLetter.task)
    if (last === null || isFinal(last.event)) return 'ended'
    const reporter = createTaskReporter(events, last)
    const endedAt = events.now().toISOString()
    reporter.report('failed', { status: 'failed', fault: deadLetter.fault, endedAt })
    return await reporter.flush()
  } catch (thrown) {
    const fault = Fault.of(thrown)
    // This version cannot read the history of the task, so it cannot append to it.
    if (fault.code === 'incompatible_record') return 'ended'
    throw fault
  }
}
