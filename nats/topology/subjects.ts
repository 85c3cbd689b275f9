import type { ActorKind, LiveKind } from '@pixelflow/core/actor-kinds'
import type { Job } from '@pixelflow/core/job'

/** Every subject of the broker except those of buckets, and the headers of messages on them. */

/** Events: one subject per task; the middle token is its batch, `_` for a task without one. */
export const eventSubject = (account: string, task: string) => `events.${account}._.${task}`
/** Where stored events are republished for live followers. */
export const liveEvents = 'live.events.>'
/** Header with the writer of an event: after a lost answer, a writer recognises its own event. */
export const writerHeader = 'Pixelflow-Writer'

export function jobSubject({ kind, lane, account, task, stage }: Job): string {
  return `jobs.${kind}.${lane}.${account}.${task}.${stage}`
}

/** The job that a subject names, not validated. */
export function jobOfSubject(subject: string): Record<keyof Job, string | undefined> {
  const [, kind, lane, account, task, stage] = subject.split('.')
  return { kind, lane, account, task, stage }
}

/** A bulk job that waits to be admitted; where it is republished; and its subject in the queue. */
export const backlogSubject = ({ kind, account, task, stage }: Job) =>
  `backlog.${kind}.${account}.${task}.${stage}`
export const backlogSubjects = (kind: ActorKind) => `backlog.${kind}.*.*.*`
export const liveBacklog = 'live.backlog.>'
export const admittedSubject = (subject: string) => subject.replace(/^backlog\.(\w+)\./, 'jobs.$1.bulk.')
/** Kind and account of a backlog entry. */
export function parseBacklogSubject(subject: string): { kind: string; account: string } {
  const [, kind = '', account = ''] = subject.split('.')
  return { kind, account }
}
/** The bulk jobs of a kind that were admitted and have not ended. */
export const admittedSubjects = (kind: ActorKind) => `jobs.${kind}.bulk.>`
/** Ack subjects of a consumer, in the current format and in the one with domain and account. */
export const ackSubjects = (stream: string, consumer: string) => [
  `$JS.ACK.${stream}.${consumer}.>`,
  `$JS.ACK.*.*.${stream}.${consumer}.>`,
]

/** A job that waits for its next attempt: its schedule, and the message that the broker makes of it when it is due. */
export const retrySubject = (job: Job) => jobSubject(job).replace('jobs', 'retry')
export const dueSubject = (job: Job) => jobSubject(job).replace('jobs', 'due')
/** The queue subject of a due job. */
export const queuedSubject = (due: string) => due.replace('due', 'jobs')
/** Header with the number of attempts made before the job was queued. */
export const attemptsHeader = 'Pixelflow-Attempts'

/** Where the broker reports jobs that reached the delivery limit or were terminated. */
export const advisorySubjects = (stream: string) =>
  ['MAX_DELIVERIES', 'MSG_TERMINATED'].map((what) => `$JS.EVENT.ADVISORY.CONSUMER.${what}.${stream}.*`)

/** A dead letter; its id is `<kind>.<account>.<task>`, with `*` as a wildcard. */
export const deadLetterSubject = (id: string) => `dead_letters.${id}`

/** What a gateway writes to check that the store commits writes; the last token names the gateway. */
export const healthSubject = (gateway: string) => `health.${gateway}`

/** The leader of a role, and where its renewals are republished for the candidates. */
export const leaderSubject = (role: string) => `leaders.${role}`
export const liveLeader = (role: string) => `live.leaders.${role}`

export const cancelSubject = (account: string, task: string) => `cancel.${account}.${task}`
export const cancelSubjects = 'cancel.*.*'

/** Where actors announce and withdraw themselves, and where announcements are requested. Nothing is stored. */
export const registryAnnounce = 'registry.announce'
export const registryWithdraw = 'registry.withdraw'
export const registryRequest = 'registry.request'

/** Where gateways offer live sessions; the actors of a kind share it as a queue group. */
export const offerSubject = (kind: LiveKind) => `offer.${kind}`
/** The inbox of one side of a session: the process, then the session. Nothing is stored. */
export const sessionSubject = (process: string, session: string) => `session.${process}.${session}`
/** The inboxes of all sessions of a process. */
export const sessionSubjects = (process: string) => `session.${process}.*`
