import type { IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import { pause } from '@pixelflow/core/pause'
import type { CompareAndSwapRecords, VersionedRecord } from '@pixelflow/core/ports/compare-and-swap-records'
import type { Ports } from '../ports.ts'
import { keyInUse } from './idempotency-key.ts'

/** How often a running call renews its lease, in milliseconds. */
const renewEveryMs = 800
/** A lease that was not renewed for so long has expired, measured by the clock of the gateway that waits. */
const expiryMs = 3000
const pollEveryMs = 100
/** A call waits no longer than this for the lease of another one. */
const maxWaitMs = 5000

/** The record of one idempotency key: the account, and the SHA-256 of the key. */
export interface KeyName {
  readonly account: string
  readonly name: string
}

/**
 * The record of a key whose call has completed, or a new lease on the key.
 * @throws Fault `idempotency_key_in_use` while another call holds the lease.
 */
export async function acquireLease(
  records: CompareAndSwapRecords<IdempotencyRecord>,
  { account, name }: KeyName,
  newId: () => string,
): Promise<VersionedRecord<IdempotencyRecord>> {
  const startedAt = performance.now()
  let seen: { revision: number; at: number } | undefined
  while (performance.now() - startedAt < maxWaitMs) {
    const found = await records.get(account, name)
    if (found?.value.state === 'done') return found
    const hasExpired = seen?.revision === found?.revision && performance.now() - (seen?.at ?? 0) > expiryMs
    if (found === null || found.value.state === 'open' || hasExpired) {
      const value: IdempotencyRecord = {
        state: 'working',
        image: found?.value.image ?? newId(),
        task: found?.value.task ?? newId(),
        holder: crypto.randomUUID(),
        renewals: 0,
      }
      const revision = await records.compareAndSwap(account, name, value, found?.revision ?? 0)
      if (revision !== null) return { value, revision }
    } else if (seen === undefined) seen = { revision: found.revision, at: performance.now() }
    else if (seen.revision !== found.revision) throw keyInUse()
    await pause(pollEveryMs)
  }
  throw keyInUse()
}

export interface HeldLease extends Disposable {
  /** Writes the last state of the record, after a renewal that is in progress. The write continues without its caller. */
  release(change: Partial<IdempotencyRecord>): Promise<void>
}

/** Renews a lease until it is released or disposed. */
export function holdLease(
  { idempotencyRecords, storeTimeout }: Pick<Ports, 'idempotencyRecords' | 'storeTimeout'>,
  { account, name }: KeyName,
  lease: VersionedRecord<IdempotencyRecord>,
): HeldLease {
  let { value, revision } = lease
  let isWriting = false
  let last = Promise.resolve()
  const put = async (change: Partial<IdempotencyRecord>) => {
    const next = { ...value, ...change, renewals: value.renewals + 1 }
    // A failed write loses nothing: the next call with this key finds what this one created.
    isWriting = true
    const written = await idempotencyRecords.compareAndSwap(account, name, next, revision).catch(() => null)
    isWriting = false
    if (written !== null) [value, revision] = [next, written]
  }
  const write = (change: Partial<IdempotencyRecord>) => (last = last.then(() => put(change)))
  const renew = () => {
    if (!isWriting) void write({})
  }
  const timer = setInterval(renew, renewEveryMs)
  return {
    release(change) {
      clearInterval(timer)
      return storeTimeout.detached(() => write(change))
    },
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}
