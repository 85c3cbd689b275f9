import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { markOf, parsePosition, positionHeader, positionToken, type Position } from '@pixelflow/core/position'
import type { EventFollower, Ports } from '../ports.ts'

/** How long a read waits for what its client has done elsewhere. */
const patienceMs = 2000
/** A leader that was elected a moment ago may not know its own end yet. */
const secondLookMs = 250

/** How far an account has written through this gateway, for its client to send back; undefined when it has not. */
export function positionOf({ follower, writes }: Pick<Ports, 'follower' | 'writes'>) {
  return (account: string): string | undefined => {
    const seq = writes.latest(account)
    return seq > 0 && follower.log !== '' ? positionToken(follower.log, seq) : undefined
  }
}

/**
 * For reads of the log itself, which know of every position: only looks whether the client's is one.
 * @throws Fault `invalid_request` for what is none, or is beyond the end of the log.
 */
export async function requireValidPosition(
  follower: EventFollower,
  token: string | undefined,
): Promise<void> {
  if (token !== undefined) await look(follower, parsed(token), performance.now() + patienceMs)
}

/**
 * For reads of the task list: waits until it has what was written up to a position. That of a log which is no more asks
 * for nothing, for what was written there is gone.
 * @throws Fault `unavailable` when the list has not come so far in time: another gateway's may have; `invalid_request` as
 * above.
 */
export async function waitForPosition(follower: EventFollower, token: string | undefined): Promise<void> {
  if (token === undefined) return
  const position = parsed(token)
  const deadline = performance.now() + patienceMs
  if ((await look(follower, position, deadline)) !== 'to come') return
  if (await follower.reached(position.seq, deadline - performance.now(), position.mark)) return
  throw new Fault('unavailable', 'This gateway does not know yet of what was done at the position.', {
    field: positionHeader,
    remedy: 'Try again in a moment: this gateway catches up, and another one may be further.',
    retryAfterMs: 500,
  })
}

async function look(
  follower: EventFollower,
  { seq, mark }: Position,
  deadline: number,
): Promise<'reached' | 'to come' | 'of another log'> {
  if (await follower.reached(seq, 0, mark)) return 'reached'
  for (let isFirst = true; ; isFirst = false) {
    const head = await follower.head(deadline - performance.now())
    if (head === undefined) return 'to come'
    if (markOf(head.log) !== mark) return 'of another log'
    if (head.written >= seq) return 'to come'
    if (!isFirst) throw notOurs('The log of this server has not come to the position.')
    await pause(secondLookMs)
  }
}

function parsed(token: string): Position {
  const position = parsePosition(token)
  if (position) return position
  throw notOurs('The position is none that this server gave out.')
}

function notOurs(detail: string): Fault {
  return new Fault('invalid_request', detail, {
    field: positionHeader,
    remedy: 'Send the newest position that an answer of this server has brought, or none.',
  })
}
