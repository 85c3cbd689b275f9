import { storedDeadLetter, isDeadLetterId, deadLetterId, type DeadLetter } from '@pixelflow/core/dead-letter'
import { Fault } from '@pixelflow/core/fault'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import { retryConflicts } from '@pixelflow/core/retry-conflicts'
import { shorten } from '@pixelflow/core/shorten'
import type { Broker } from '../connection/broker.ts'
import { readBatch } from '../jetstream/read-batch.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { purgeSubject } from '../jetstream/remove-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { deadLetterSubject } from '../topology/subjects.ts'
import { streams } from '../topology/streams.ts'

/** More than the operators who replay one dead letter at the same time. */
const maxConflicts = 64

/** Dead letters in a stream with one message per job. */
export function createDeadLetters(broker: Broker, log: Logger): DeadLetters {
  /** False when the dead letter has changed since `after`. */
  const write = async (deadLetter: DeadLetter, after: number): Promise<boolean> => {
    const subject = deadLetterSubject(deadLetterId(deadLetter))
    return (await publishAfter(broker, subject, after, JSON.stringify(deadLetter))) !== undefined
  }
  const read = (id: string) =>
    readFromLeader(broker, streams.deadLetters, { last_by_subj: deadLetterSubject(id) })

  const recordReplay = async (
    id: string,
    replay: NonNullable<DeadLetter['replay']>,
    expected?: string,
  ): Promise<DeadLetter | null> => {
    const update = async () => {
      const stored = await read(id)
      if (stored === null) return null
      const deadLetter = parseDeadLetter(stored)
      if (deadLetter.replay?.task !== expected) return deadLetter
      return (await write({ ...deadLetter, replay }, stored.seq)) ? { ...deadLetter, replay } : undefined
    }
    return retryConflicts(update, { maxConflicts, createFault: createConflict })
  }

  /** An incompatible dead letter must not hide the others. */
  const parseCompatible = (one: StoredMessage): DeadLetter[] => {
    try {
      return [parseDeadLetter(one)]
    } catch (error) {
      log.error('incompatible dead letter skipped', { subject: one.subject, error })
      return []
    }
  }

  return {
    put: (deadLetter) => retryWithFaults(() => write(deadLetter, 0)),
    async get(id) {
      if (!isDeadLetterId(id)) return null
      const found = await retryWithFaults(() => read(id))
      return found && parseDeadLetter(found)
    },
    async list({ account, limit, cursor }) {
      const after = parseCursor(cursor)
      const subject = deadLetterSubject(account === undefined ? '*.*.*' : `*.${account}.*`)
      // One more than the page shows whether another page exists.
      const request = { seq: after + 1, subject, batch: limit + 1 }
      const found = await retryWithFaults(() => readBatch(broker, streams.deadLetters, request))
      const page = found.slice(0, limit)
      return {
        items: page.flatMap(parseCompatible),
        next: found.length > limit ? String(page.at(-1)?.seq) : null,
      }
    },
    recordReplay: async (id, replay, expected) =>
      isDeadLetterId(id) ? retryWithFaults(() => recordReplay(id, replay, expected)) : null,
    async delete(id) {
      if (!isDeadLetterId(id)) return false
      return retryWithFaults(
        async () => (await purgeSubject(broker, streams.deadLetters, deadLetterSubject(id))) > 0,
      )
    },
    count: () =>
      retryWithFaults(async () => (await readStreamInfo(broker, streams.deadLetters)).state.messages),
  }
}

function createConflict(): Fault {
  return new Fault('conflict', 'The dead letter was modified concurrently.', {
    remedy: 'Read the dead letter again.',
  })
}

/** @throws Fault `incompatible_record`. */
function parseDeadLetter({ data, subject }: StoredMessage): DeadLetter {
  try {
    return storedDeadLetter.parse(JSON.parse(new TextDecoder().decode(data)))
  } catch (cause) {
    throw new Fault(
      'incompatible_record',
      `The dead letter ${subject} was written by an incompatible version.`,
      {
        remedy: 'Start the newest version of PixelFlow that writes to this broker.',
        cause,
      },
    )
  }
}

/** @throws Fault `invalid_request`. */
function parseCursor(cursor = '0'): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new Fault('invalid_request', `Cursor "${shorten(cursor)}" is invalid.`, {
    field: 'cursor',
    remedy: 'Send `next` from the previous page, or no cursor to start at the first page.',
  })
}
