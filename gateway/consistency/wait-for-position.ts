import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { hashLogId, parsePosition, formatPosition, type Position } from '@pixelflow/core/position'
import { shorten } from '@pixelflow/core/shorten'
import type { EventFollower, Ports } from '../ports.ts'
import type { RequestField } from '../request-field.ts'

/** How long a read waits for writes that its client made through another gateway. */
const maxWaitMs = 2000
/** A stream leader that was elected a moment ago may report an end that is too low. */
const leaderSettleMs = 250

/** The position of an account's last write through this gateway; undefined without a write. */
export function writePositionOf({ follower, writePositions }: Pick<Ports, 'follower' | 'writePositions'>) {
  return (account: string): string | undefined => {
    const seq = writePositions.latest(account)
    return seq > 0 && follower.logId !== '' ? formatPosition(follower.logId, seq) : undefined
  }
}

/**
 * For reads of the event log itself, which is always current: only validates the client's position.
 * @throws Fault `invalid_request` for an invalid position, or one beyond the end of the log.
 */
export async function requireValidPosition(
  follower: EventFollower,
  token: string | undefined,
): Promise<void> {
  if (token !== undefined) await compare(follower, parse(token), performance.now() + maxWaitMs)
}

/**
 * For reads of the task list: waits until the list includes everything up to a position. A position of a log that no
 * longer exists is ignored, because what was written there is lost.
 * @throws Fault `unavailable` when the list does not reach the position in time; `invalid_request` as above.
 */
export async function waitForPosition(follower: EventFollower, token: string | undefined): Promise<void> {
  if (token === undefined) return
  const position = parse(token)
  const deadline = performance.now() + maxWaitMs
  if ((await compare(follower, position, deadline)) !== 'ahead') return
  if (await follower.waitForSequence(position.seq, deadline - performance.now(), position.logHash)) return
  throw new Fault('unavailable', 'This gateway has not caught up to the requested position.', {
    field: '@position' satisfies RequestField,
    remedy: 'Try again in a moment.',
    retryAfterMs: 500,
  })
}

/** Compares a position with the task list; `ahead` when the list has not reached it. */
async function compare(
  follower: EventFollower,
  { seq, logHash }: Position,
  deadline: number,
): Promise<'reached' | 'ahead' | 'other log'> {
  if (await follower.waitForSequence(seq, 0, logHash)) return 'reached'
  for (let isFirst = true; ; isFirst = false) {
    const head = await follower.readHead(deadline - performance.now())
    if (head === undefined) return 'ahead'
    if (hashLogId(head.logId) !== logHash) return 'other log'
    if (head.written >= seq) return 'ahead'
    if (!isFirst) throw invalidPosition('The position is beyond the end of the event log.')
    await pause(leaderSettleMs)
  }
}

function parse(token: string): Position {
  const position = parsePosition(token)
  if (position) return position
  throw invalidPosition(`Position "${shorten(token)}" is invalid.`)
}

function invalidPosition(detail: string): Fault {
  return new Fault('invalid_request', detail, {
    field: '@position' satisfies RequestField,
    remedy: 'Send the newest position that a response of this server contained, or leave the position out.',
  })
}
