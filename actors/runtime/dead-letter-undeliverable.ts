import { isFinal } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { UndeliverableJob, UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { Events } from '@pixelflow/core/ports/events'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createTaskReporter } from './task-reporter.ts'

export interface DeadLetterUndeliverableOptions {
  readonly leaderElection: LeaderElection
  readonly undeliverableJobs: UndeliverableJobs
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly events: Events
  readonly log: Logger
}

/**
 * Brings to an end what the queue has given up by itself: a job that was handed out too often without anybody coming
 * far enough to count it. One process does this for all; doing it twice is harmless. Runs until `signal` aborts; never
 * rejects.
 */
export function deadLetterUndeliverable(
  options: DeadLetterUndeliverableOptions,
  signal: AbortSignal,
): Promise<void> {
  const { leaderElection, undeliverableJobs, log } = options
  return leaderElection.campaign(
    'undertaker',
    async (lost) => {
      for await (const job of undeliverableJobs.follow(lost)) {
        const { account, task } = job.letter
        try {
          await deadLetter(options, job)
          log.error('job given up by the queue', { account, task, deliveries: job.letter.attempts })
        } catch (error) {
          log.warn('lost job not buried yet', { account, task, error })
        }
      }
    },
    signal,
  )
}

async function deadLetter(options: DeadLetterUndeliverableOptions, job: UndeliverableJob): Promise<void> {
  await options.deadLetters.put(job.letter)
  if (job.job) await end(options.events, job)
  await job.settle()
}

async function end(events: Events, { letter }: UndeliverableJob): Promise<void> {
  try {
    const last = await events.last(letter.account, letter.task)
    if (last === null || isFinal(last.event)) return
    const reporter = createTaskReporter(events, last)
    const endedAt = events.now().toISOString()
    reporter.report('failed', { status: 'failed', fault: letter.cause.report, endedAt })
    await reporter.flush()
  } catch (thrown) {
    const fault = Fault.of(thrown)
    // It has ended meanwhile; or nothing can be said in a history that this version cannot read.
    if (fault.code !== 'task_ended' && fault.code !== 'incompatible_record') throw fault
  }
}
