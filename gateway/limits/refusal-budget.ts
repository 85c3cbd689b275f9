import { Fault } from '@pixelflow/core/fault'
import { ownerKey, type RequestOwner, type RequestMemory } from './request-memory.ts'

/**
 * Limits the cost of refused calls. A refusal with its own reason, a log line and a read of the body takes about 1 ms of
 * the only thread; a caller who has used up its budget is refused on its headers, for a tenth of that.
 */
export interface RefusalBudget {
  /** Counts a call that was refused for its credentials or its memory. */
  count(owner: RequestOwner): void
  /** Whether any budget is spent. Cheap, so that normal calls pay nothing for this limit. */
  readonly isAnySpent: boolean
  /** Whether the budget of this caller is spent. */
  isSpent(owner: RequestOwner): boolean
  /**
   * The fault for a call that must be refused on its headers: its caller has spent the budget and is either
   * unauthenticated or holds more than half of its share of the memory.
   */
  earlyRefusal(owner: RequestOwner): Fault | undefined
}

export interface RefusalBudgetOptions {
  readonly memory: Pick<RequestMemory, 'isHalfFull'>
  /** Called with the number of calls that were refused on their headers since its last call. */
  readonly onRefused: (share: string, count: number) => void
  readonly now?: () => number
}

/** Refusals with their own reason. */
const budget = { burst: 100, perSecond: 10 }
/** A spent budget counts as spent until this much is refilled, so that a flood is not admitted in between. */
const refillThreshold = 50
const spentForMs = (1000 * refillThreshold) / budget.perSecond
const maxCallers = 10_000
const reportEveryMs = 10_000

interface Bucket {
  left: number
  isSpent: boolean
  countedAt: number
}

export function createRefusalBudget({
  memory,
  onRefused,
  now = () => performance.now(),
}: RefusalBudgetOptions): RefusalBudget {
  /** In the order of the last refusal, oldest first. */
  const buckets = new Map<string, Bucket>()
  /** Refusals on headers that are not reported yet, by share. */
  const unreported = new Map<string, number>()
  let spentUntil = -Infinity
  let timer: Timer | undefined

  const refill = (bucket: Bucket): Bucket => {
    const at = now()
    bucket.left = Math.min(budget.burst, bucket.left + ((at - bucket.countedAt) / 1000) * budget.perSecond)
    bucket.countedAt = at
    if (bucket.left >= refillThreshold) bucket.isSpent = false
    return bucket
  }
  const isSpent = (owner: RequestOwner) => {
    const bucket = now() < spentUntil ? buckets.get(ownerKey(owner)) : undefined
    return bucket !== undefined && refill(bucket).isSpent
  }
  const report = () => {
    timer = undefined
    for (const [share, count] of unreported) onRefused(share, count)
    unreported.clear()
  }

  return {
    count(owner) {
      if (owner.isProbe) return
      const share = ownerKey(owner)
      const bucket = refill(buckets.get(share) ?? { left: budget.burst, isSpent: false, countedAt: now() })
      bucket.left = Math.max(0, bucket.left - 1)
      buckets.delete(share)
      buckets.set(share, bucket)
      if (buckets.size > maxCallers) buckets.delete(buckets.keys().next().value ?? '')
      if (bucket.left >= 1) return
      bucket.isSpent = true
      spentUntil = now() + spentForMs
    },
    get isAnySpent() {
      return now() < spentUntil
    },
    isSpent,
    earlyRefusal(owner) {
      if (!isSpent(owner)) return undefined
      const share = ownerKey(owner)
      if (owner.account !== undefined && !memory.isHalfFull(owner)) return undefined
      if (unreported.size < maxCallers || unreported.has(share))
        unreported.set(share, (unreported.get(share) ?? 0) + 1)
      timer ??= setTimeout(report, reportEveryMs).unref()
      return owner.account === undefined ? unauthenticatedFault : accountFault
    },
  }
}

const retryAfterMs = spentForMs
/** Created once, because an Error with its stack costs as much as the rest of such a response. */
const unauthenticatedFault = new Fault(
  'overloaded',
  'Too many recent calls from this address were refused.',
  {
    remedy: 'Send valid credentials; calls with credentials are served.',
    retryAfterMs,
  },
)
const accountFault = new Fault(
  'overloaded',
  'Too many recent requests of this account were refused, and unfinished ones hold over half of its memory.',
  {
    remedy: 'Finish requests before sending more. The limit is PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT.',
    retryAfterMs,
  },
)
