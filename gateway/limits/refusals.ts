import { Fault } from '@pixelflow/core/fault'
import { shareOf, type Charged, type RequestMemory } from './request-memory.ts'

/**
 * Counts the calls that are refused, by who is charged for them. A refusal with a reason of its own, a line in the log and
 * a reading of the body costs about a millisecond of the one thread that serves everybody; beyond the budget a caller is
 * refused on its headers, at a tenth of that.
 */
export interface Refusals {
  /** A call was refused for what it lacks or would hold. */
  count(charged: Charged): void
  /** Whether the budget of any caller is spent. Costs nothing, so that calls in calm pay nothing. */
  readonly isAnySpent: boolean
  /** Whether the budget of this caller is spent. */
  isSpent(charged: Charged): boolean
  /**
   * Why the call is to be refused at once, if it is: its caller has spent the budget and either is not known or
   * holds more than half of its share of the memory.
   */
  atOnce(charged: Charged): Fault | undefined
}

export interface RefusalsOptions {
  readonly memory: Pick<RequestMemory, 'isHalfFull'>
  /** Told of refusals at once, with how many there were since it was last told. */
  readonly onRefused: (share: string, count: number) => void
  readonly now?: () => number
}

/** Refusals with all that belongs to them. */
const budget = { burst: 100, perSecond: 10 }
/** A spent budget counts as spent until so much of it is there again, so that a flood is not let in every other moment. */
const enoughAgain = 50
const spentForMs = (1000 * enoughAgain) / budget.perSecond
const mostCallers = 10_000
const tellEveryMs = 10_000

interface Bucket {
  left: number
  isSpent: boolean
  countedAt: number
}

export function createRefusals({
  memory,
  onRefused,
  now = () => performance.now(),
}: RefusalsOptions): Refusals {
  /** Those whose last refusal is longest ago come first. */
  const buckets = new Map<string, Bucket>()
  /** Refusals on the headers that are not reported yet, by share. */
  const untold = new Map<string, number>()
  let spentUntil = -Infinity
  let timer: Timer | undefined

  const refill = (bucket: Bucket): Bucket => {
    const at = now()
    bucket.left = Math.min(budget.burst, bucket.left + ((at - bucket.countedAt) / 1000) * budget.perSecond)
    bucket.countedAt = at
    if (bucket.left >= enoughAgain) bucket.isSpent = false
    return bucket
  }
  const isSpent = (charged: Charged) => {
    const bucket = now() < spentUntil ? buckets.get(shareOf(charged)) : undefined
    return bucket !== undefined && refill(bucket).isSpent
  }
  const tell = () => {
    timer = undefined
    for (const [share, count] of untold) onRefused(share, count)
    untold.clear()
  }

  return {
    count(charged) {
      if (charged.isProbe) return
      const share = shareOf(charged)
      const bucket = refill(buckets.get(share) ?? { left: budget.burst, isSpent: false, countedAt: now() })
      bucket.left = Math.max(0, bucket.left - 1)
      buckets.delete(share)
      buckets.set(share, bucket)
      if (buckets.size > mostCallers) buckets.delete(buckets.keys().next().value ?? '')
      if (bucket.left >= 1) return
      bucket.isSpent = true
      spentUntil = now() + spentForMs
    },
    get isAnySpent() {
      return now() < spentUntil
    },
    isSpent,
    atOnce(charged) {
      if (!isSpent(charged)) return undefined
      const share = shareOf(charged)
      if (charged.account !== undefined && !memory.isHalfFull(charged)) return undefined
      if (untold.size < mostCallers || untold.has(share)) untold.set(share, (untold.get(share) ?? 0) + 1)
      timer ??= setTimeout(tell, tellEveryMs).unref()
      return charged.account === undefined ? unknownCaller : greedyAccount
    },
  }
}

const retryAfterMs = spentForMs
/** Made once: an error with its stack would cost as much as the rest of such an answer. */
const unknownCaller = new Fault('overloaded', 'Too many calls from this address were refused of late.', {
  remedy: 'Send valid credentials; calls that bring them are served.',
  retryAfterMs,
})
const greedyAccount = new Fault(
  'overloaded',
  'Too many requests of this account were refused of late, and unfinished ones hold much of what they may.',
  {
    remedy: 'Finish requests before sending more; the limit is PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT.',
    retryAfterMs,
  },
)
